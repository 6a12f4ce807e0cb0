using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Protocol;

/// <summary>
/// The multiplexing layer of one TLS session: opens, accepts and serves channels. Both ends are alike; either may open channels.
/// </summary>
public sealed class MtaTlsSession : IAsyncDisposable
{
    private MtaTlsSession() { }

    /// <summary>Starts a session on a transport whose handshake is complete. The session owns the transport and disposes it at its end.</summary>
    /// <param name="transport">The byte stream below.</param>
    /// <param name="options">Role, limits, clock.</param>
    /// <exception cref="ArgumentException">The limits contradict each other.</exception>
    public static MtaTlsSession Start(IMtaTlsTransport transport, MtaTlsSessionOptions options) => throw new NotSupportedException();

    /// <summary>The end's role in the TLS handshake.</summary>
    public MtaTlsRole Role => throw new NotSupportedException();

    /// <summary>
    /// Ends when the session has: successfully after an orderly end by either side, faulted with an <see cref="MtaTlsSessionException"/> when it failed,
    /// was aborted or truncated. When it ends, all channels have ended too and the transport is disposed.
    /// </summary>
    public Task Completion => throw new NotSupportedException();

    /// <summary>Whether new channels can be opened and accepted: false once the session is shutting down or has ended.</summary>
    public bool AcceptsChannels => throw new NotSupportedException();

    /// <summary>Channels that count against the limit, see <see cref="MtaTlsSessionStatistics.ActiveChannels"/>.</summary>
    public int ActiveChannels => throw new NotSupportedException();

    /// <summary>The peer's opens that were not yet answered.</summary>
    public int PendingChannels => throw new NotSupportedException();

    /// <summary>What the session has counted.</summary>
    public MtaTlsSessionStatistics GetStatistics() => throw new NotSupportedException();

    /// <summary>Opens a channel (section 2.1.1).</summary>
    /// <param name="source">Where the channel comes from, for the peer to know.</param>
    /// <param name="destination">The host and port that the peer should connect it to.</param>
    /// <param name="cancellationToken">Stops waiting; a channel that the peer opens after that is closed at once.</param>
    /// <returns>The channel, ready to read and write.</returns>
    /// <exception cref="MtaTlsChannelRefusedException">The peer refused, or a limit of this end forbids it.</exception>
    /// <exception cref="MtaTlsSessionException">The session is shutting down, has ended or failed.</exception>
    public ValueTask<MtaTlsChannel> OpenChannelAsync(ChannelAddress source, ChannelAddress destination, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    /// <summary>Waits for the peer's next open. Many callers may wait at a time.</summary>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The request; <see langword="null"/> when the session has ended.</returns>
    public ValueTask<MtaTlsChannelRequest?> AcceptChannelAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Takes a request that has arrived already.</summary>
    /// <param name="request">The request.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryAcceptChannel([NotNullWhen(true)] out MtaTlsChannelRequest? request) => throw new NotSupportedException();

    /// <summary>From now on refuses the peer's opens and makes own opens fail. Channels that are open go on.</summary>
    public void RefuseNewChannels() => throw new NotSupportedException();

    /// <summary>Ends the session in order: refuses new channels, waits until those that are open have been closed, then sends close_notify and waits for the peer's.</summary>
    /// <param name="cancellationToken">Stops waiting for channels: those that are open are aborted, then the session ends in order.</param>
    /// <returns>A task that ends with the session. It does not throw: how the session ended is what <see cref="Completion"/> says.</returns>
    public Task ShutdownAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Ends the session and the transport at once; every channel fails.</summary>
    /// <param name="reason">Why; it becomes the inner exception of what the channels' applications see.</param>
    public void Abort(Exception? reason = null) => throw new NotSupportedException();

    /// <summary>Ends the session now: aborts the channels that are open, sends close_notify and does not wait for the peer's.</summary>
    public ValueTask DisposeAsync() => throw new NotSupportedException();
}
