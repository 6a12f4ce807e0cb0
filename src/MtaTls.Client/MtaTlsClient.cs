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
/// Opens channels in TLS sessions to one endpoint. It connects when a channel needs a session, again after one has dropped, and a further one when the first is full. Thread-safe.
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

    /// <summary>Whether a session takes channels now.</summary>
    internal bool HasUsableSession => Opener(Settings.ApplicationProtocols).HasUsableSession;

    /// <summary>Ends when a session is added, is gone, or takes no more channels.</summary>
    internal Task SessionsChanged => Opener(Settings.ApplicationProtocols).SessionsChanged;

    /// <summary>Connects to an endpoint.</summary>
    /// <param name="host">The endpoint's domain name or IP address.</param>
    /// <param name="port">The endpoint's TCP port.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <inheritdoc cref="ConnectAsync(MtaTlsClientOptions, CancellationToken)" path="/exception|/returns"/>
    public static ValueTask<MtaTlsClient> ConnectAsync(string host, int port = 443, CancellationToken cancellationToken = default) =>
        ConnectAsync(new MtaTlsClientOptions { Host = host, Port = port }, cancellationToken);

    /// <summary>Connects to an endpoint: TCP, the TLS handshake and the session are there when this returns.</summary>
    /// <param name="options">The endpoint and everything else; copied.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The client.</returns>
    /// <exception cref="ArgumentException">The options are wrong; the message names every error.</exception>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 (libssl.so.3) is missing.</exception>
    /// <exception cref="AuthenticationException">The handshake failed; the endpoint's certificate was refused, for example.</exception>
    /// <exception cref="MtaTlsNotNegotiatedException">The server does not speak MTA-TLS, and <see cref="MtaTlsClientOptions.Mode"/> is Required.</exception>
    /// <exception cref="IOException">The endpoint could not be reached in time, or closed the connection.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The endpoint could not be reached.</exception>
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

    /// <summary>Opens a channel (section 2.1.1).</summary>
    /// <param name="host">The destination: a domain name or an IP address (IPv6 without brackets).</param>
    /// <param name="port">The destination's port, 0 to 65,535.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <inheritdoc cref="OpenChannelAsync(ChannelAddress, ChannelAddress?, CancellationToken)" path="/exception|/returns"/>
    public ValueTask<MtaTlsClientChannel> OpenChannelAsync(string host, int port, CancellationToken cancellationToken = default) =>
        OpenChannelAsync(new ChannelAddress(host, port), null, cancellationToken);

    /// <summary>Opens a channel (section 2.1.1).</summary>
    /// <param name="destination">Where the server should connect it to.</param>
    /// <param name="source">Where it claims to come from; null: <see cref="MtaTlsClientOptions.Source"/>, else the local address of the session's socket.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The channel, ready to read and write.</returns>
    /// <exception cref="MtaTlsChannelRefusedException">The server refused, or every session is full and there are <see cref="MtaTlsClientOptions.MaxSessions"/>.</exception>
    /// <exception cref="MtaTlsNotNegotiatedException">The server does not speak MTA-TLS, and ordinary TLS can't stand in.</exception>
    /// <exception cref="AuthenticationException">A new session was needed and its handshake failed.</exception>
    /// <exception cref="IOException">A new session was needed and the endpoint closed the connection or could not be reached in time; or the session was lost.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">A new session was needed and the endpoint could not be reached.</exception>
    /// <remarks>While the back-off after a failed attempt lasts, an open fails at once with an exception of the kind that the attempt ended with.</remarks>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public ValueTask<MtaTlsClientChannel> OpenChannelAsync(ChannelAddress destination, ChannelAddress? source = null, CancellationToken cancellationToken = default) =>
        OpenAsync(Settings.ApplicationProtocols, destination, source, cancellationToken);

    /// <summary>What the client has counted.</summary>
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

    /// <summary>The sessions now, as a snapshot.</summary>
    /// <returns>One entry for each session; none where the server does not speak MTA-TLS.</returns>
    public IReadOnlyList<MtaTlsClientSessionInfo> GetSessions() => [.. Openers().SelectMany(static opener => opener.Sessions)];

    /// <summary>
    /// Opens no more channels, waits until the open ones have been closed or <see cref="MtaTlsClientOptions.ShutdownTimeout"/> has passed, then ends the sessions with close_notify.
    /// </summary>
    public ValueTask DisposeAsync() => DisposeAsync(Settings.ShutdownTimeout);

    /// <summary>The same, with another time for the channels that are open.</summary>
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
