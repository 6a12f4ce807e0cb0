using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MtaTls.Client.Diagnostics;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>
/// Opens channels in TLS sessions to one endpoint. It connects a session when a channel needs one, reconnects after a session was lost, and opens further sessions when the others are full. Thread-safe.
/// </summary>
public sealed class MtaTlsClient : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ProtocolList, ChannelOpener> _openers = [];
    private readonly ClientCounters _counters = new();
    private readonly ILogger _log;
    private bool _disposed;

    internal MtaTlsClient(ClientSettings settings)
    {
        Settings = settings;
        _log = (settings.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger(ClientDiagnostics.Name);
    }

    internal ClientSettings Settings { get; }

    /// <summary>Whether a session takes new channels now.</summary>
    internal bool HasUsableSession => Opener(Settings.ApplicationProtocols).HasUsableSession;

    /// <summary>A task that completes when a session is added or removed, or takes no more channels.</summary>
    internal Task SessionsChanged => Opener(Settings.ApplicationProtocols).SessionsChanged;

    /// <summary>Connects to an endpoint.</summary>
    /// <param name="host">The endpoint's domain name or IP address.</param>
    /// <param name="port">The endpoint's TCP port.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <inheritdoc cref="ConnectAsync(MtaTlsClientOptions, CancellationToken)" path="/exception|/returns"/>
    public static ValueTask<MtaTlsClient> ConnectAsync(string host, int port = 443, CancellationToken cancellationToken = default) =>
        ConnectAsync(new MtaTlsClientOptions { Host = host, Port = port }, cancellationToken);

    /// <summary>Connects to an endpoint. When it returns, the TLS handshake is done and a session is open.</summary>
    /// <param name="options">The endpoint and all other options. They are copied.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The client.</returns>
    /// <exception cref="ArgumentException">The options are invalid. The message contains all errors.</exception>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 (libssl.so.3) is missing.</exception>
    /// <exception cref="AuthenticationException">The handshake failed, for example because the endpoint's certificate is not trusted.</exception>
    /// <exception cref="MtaTlsNotNegotiatedException">The server does not speak MTA-TLS, and <see cref="MtaTlsClientOptions.Mode"/> is Required.</exception>
    /// <exception cref="IOException">The endpoint could not be reached within <see cref="MtaTlsClientOptions.ConnectTimeout"/>, or it closed the connection.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The endpoint could not be reached.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static async ValueTask<MtaTlsClient> ConnectAsync(MtaTlsClientOptions options, CancellationToken cancellationToken = default)
    {
        var client = new MtaTlsClient(ClientSettings.From(options));
        try
        {
            await client.Opener(client.Settings.ApplicationProtocols).ConnectAsync(cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Opens a channel (draft-badra-tls-multiplexing-01, section 2.1.1).</summary>
    /// <param name="host">The destination: a domain name or an IP address (IPv6 without brackets).</param>
    /// <param name="port">The destination's port, 0 to 65,535.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <inheritdoc cref="OpenChannelAsync(ChannelAddress, ChannelAddress?, CancellationToken)" path="/exception|/returns"/>
    public ValueTask<MtaTlsClientChannel> OpenChannelAsync(string host, int port, CancellationToken cancellationToken = default) =>
        OpenChannelAsync(new ChannelAddress(host, port), null, cancellationToken);

    /// <summary>Opens a channel (draft-badra-tls-multiplexing-01, section 2.1.1).</summary>
    /// <param name="destination">The host and port to which the server should connect the channel.</param>
    /// <param name="source">The source that the channel names; null for <see cref="MtaTlsClientOptions.Source"/>, else the local address of the session's socket.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The channel, ready to read and write.</returns>
    /// <exception cref="MtaTlsChannelRefusedException">The server refused the channel, or <see cref="MtaTlsClientOptions.MaxSessions"/> are open and had no room within <see cref="MtaTlsClientOptions.ConnectTimeout"/>.</exception>
    /// <exception cref="MtaTlsNotNegotiatedException">The server does not speak MTA-TLS, and ordinary TLS cannot replace the channel (see <see cref="MtaTlsClientMode.Preferred"/>).</exception>
    /// <exception cref="AuthenticationException">A new session was needed and its handshake failed.</exception>
    /// <exception cref="IOException">
    /// A new session was needed, and the endpoint closed the connection or could not be reached within <see cref="MtaTlsClientOptions.ConnectTimeout"/>. Or the session was lost, or the server did not answer
    /// the open within <see cref="MtaTlsClientOptions.OpenTimeout"/>.
    /// </exception>
    /// <exception cref="System.Net.Sockets.SocketException">A new session was needed and the endpoint could not be reached.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    /// <remarks>During the back-off after a failed attempt to connect, an open fails at once with an exception of the same type as that attempt, unless it waits (<see cref="MtaTlsReconnectOptions.WaitTimeout"/>).</remarks>
    public ValueTask<MtaTlsClientChannel> OpenChannelAsync(ChannelAddress destination, ChannelAddress? source = null, CancellationToken cancellationToken = default) =>
        OpenAsync(Settings.ApplicationProtocols, destination, source, cancellationToken);

    /// <summary>Returns a snapshot of the client's counts.</summary>
    public MtaTlsClientStatistics GetStatistics()
    {
        int sessions = 0;
        long received = 0, sent = 0;
        foreach (ChannelOpener opener in Openers())
        {
            sessions += opener.SessionCount;
            opener.AddStatistics(ref received, ref sent);
        }
        return _counters.Snapshot(sessions, received, sent);
    }

    /// <summary>Returns a snapshot of the open sessions.</summary>
    /// <returns>One entry for each session; empty if the server does not speak MTA-TLS.</returns>
    public IReadOnlyList<MtaTlsClientSessionInfo> GetSessions() => [.. Openers().SelectMany(static opener => opener.Sessions)];

    /// <summary>
    /// Opens no more channels, waits until the open channels are closed or <see cref="MtaTlsClientOptions.ShutdownTimeout"/> has elapsed, and then ends the sessions with close_notify.
    /// </summary>
    public ValueTask DisposeAsync() => DisposeAsync(Settings.ShutdownTimeout);

    /// <summary>Disposes the client, with another timeout for open channels.</summary>
    internal async ValueTask DisposeAsync(TimeSpan shutdownTimeout)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }
        await Task.WhenAll(Openers().Select(o => o.DisposeAsync(shutdownTimeout).AsTask())).ConfigureAwait(false);
    }

    internal async ValueTask<MtaTlsClientChannel> OpenAsync(ProtocolList protocols, ChannelAddress destination, ChannelAddress? source, CancellationToken cancellationToken)
    {
        long begin = Settings.TimeProvider.GetTimestamp();
        ChannelOpener opener = Opener(protocols);
        ChannelBacking backing = await opener.OpenAsync(destination, source, cancellationToken).ConfigureAwait(false);
        _counters.ChannelOpened();
        ClientDiagnostics.Channels(Settings, 1);
        ClientDiagnostics.Opened(Settings, Settings.TimeProvider.GetElapsedTime(begin));
        return new MtaTlsClientChannel(backing, destination, closed => OnClosed(opener, closed));
    }

    private void OnClosed(ChannelOpener opener, ChannelBacking backing)
    {
        _counters.ChannelClosed();
        ClientDiagnostics.Channels(Settings, -1);
        ClientDiagnostics.Io(Settings, backing.BytesReceived, backing.BytesSent);
        if (backing is SessionChannel channel)
        {
            opener.Release(channel.Session);
        }
        else
        {
            _counters.SessionEnded(backing.BytesReceived, backing.BytesSent);
        }
    }

    private ChannelOpener Opener(ProtocolList protocols)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_openers.TryGetValue(protocols, out ChannelOpener? opener))
            {
                _openers.Add(protocols, opener = new ChannelOpener(this, Settings, new Dialer(Settings, protocols, _log), _counters, _log, Jitter));
            }

            return opener;
        }
    }

    private ChannelOpener[] Openers()
    {
        lock (_gate)
        {
            return [.. _openers.Values];
        }
    }

    private static double Jitter() => RandomNumberGenerator.GetInt32(int.MaxValue) / (double)int.MaxValue;
}
