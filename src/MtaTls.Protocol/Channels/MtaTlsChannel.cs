using System.IO.Pipelines;

namespace MtaTls.Protocol;

/// <summary>One channel of a session: an ordered, reliable, flow-controlled stream of octets in each direction.</summary>
/// <remarks>
/// There is no half close in the protocol. Completing <see cref="Output"/> alone sends what was written and nothing more; completing
/// <see cref="Input"/> alone discards what arrives. Both completed, or <see cref="CloseAsync"/>, or disposal close the channel in order.
/// A channel counts against the session's limits until it was closed or disposed by its application, whatever the peer does.
/// </remarks>
public sealed class MtaTlsChannel : IDuplexPipe, IAsyncDisposable
{
    internal MtaTlsChannel() { }

    /// <summary>The session that the channel belongs to.</summary>
    public MtaTlsSession Session => throw new NotSupportedException();

    /// <summary>The channel's id, unique in its session among the channels that are open.</summary>
    public ChannelId Id => throw new NotSupportedException();

    /// <summary>Where the opener says that the channel comes from. A claim, not a fact.</summary>
    public ChannelAddress Source => throw new NotSupportedException();

    /// <summary>The host and port that the opener asked for.</summary>
    public ChannelAddress Destination => throw new NotSupportedException();

    /// <summary>What the peer sends. Completed in order when the peer closes the channel or ends the session; faults with an <see cref="IOException"/> when the session fails or this end aborts.</summary>
    public PipeReader Input => throw new NotSupportedException();

    /// <summary>What is sent to the peer. A flush waits while too much is unsent, and says IsCompleted when the channel has closed.</summary>
    public PipeWriter Output => throw new NotSupportedException();

    /// <summary>Octets of data received.</summary>
    public long BytesReceived => throw new NotSupportedException();

    /// <summary>Octets of data sent.</summary>
    public long BytesSent => throw new NotSupportedException();

    /// <summary>Closes in order: sends all that was written, then ChannelCloseRequest. What still arrives is discarded.</summary>
    /// <param name="cancellationToken">Stops waiting: the channel is closed at once, and what was not sent is discarded.</param>
    /// <returns>A task that ends when ChannelCloseRequest is on its way, or the channel has ended otherwise.</returns>
    public ValueTask CloseAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Closes at once: ChannelCloseRequest goes out and what was not sent is discarded. Pending and later reads fail.</summary>
    /// <param name="reason">The application's failure, after which the TLS session is no longer resumable; <see langword="null"/> when nothing failed.</param>
    public void Abort(Exception? reason = null) => throw new NotSupportedException();

    /// <summary>Sets what is called once, on the thread pool, when the first data have arrived or the channel has closed. An idle channel that waits this way costs no read and no buffer.</summary>
    /// <param name="callback">The callback.</param>
    /// <param name="state">Passed to it.</param>
    public void OnReadable(Action<MtaTlsChannel, object?> callback, object? state) => throw new NotSupportedException();

    /// <summary>Sets what is called once, on the thread pool, when the peer has closed the channel, this end has aborted it, or the session has ended; the exception is null when that was in order.</summary>
    /// <param name="callback">The callback.</param>
    /// <param name="state">Passed to it.</param>
    public void OnClosed(Action<MtaTlsChannel, Exception?, object?> callback, object? state) => throw new NotSupportedException();

    /// <summary>The channel as a stream; disposing it closes the channel in order.</summary>
    public Stream AsStream() => throw new NotSupportedException();

    /// <summary>Closes in order, as <see cref="CloseAsync"/> does.</summary>
    public ValueTask DisposeAsync() => throw new NotSupportedException();
}
