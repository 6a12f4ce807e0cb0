using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Diagnostics;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Client.Sessions;

/// <summary>Connects to the endpoint: TCP, then TLS with the extension offered.</summary>
internal sealed class Dialer : IDialer
{
    private readonly ClientSettings _settings;
    private readonly ProtocolList _protocols;
    private readonly ILogger _log;
    private readonly EndpointOrder _order;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TlsContexts> _contexts = new(StringComparer.OrdinalIgnoreCase);

    public Dialer(ClientSettings settings, ProtocolList protocols, ILogger log)
    {
        _settings = settings;
        _protocols = protocols;
        _log = log;
        _order = new EndpointOrder(settings.Endpoints, settings.TimeProvider);
        // Created now, so that invalid options fail before anything is connected.
        _ = Context(settings.TargetHost);
    }

    public async ValueTask<DialedConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        using Activity? activity = ClientDiagnostics.ActivitySource.StartActivity("mtatls.connect", ActivityKind.Client);
        activity?.SetTag("server.address", _settings.Host).SetTag("server.port", _settings.Port);
        using var timeout = new CancellationTokenSource(_settings.ConnectTimeout, _settings.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        long begin = _settings.TimeProvider.GetTimestamp();
        SocketPipes? pipes = null;
        TlsConnection? tls = null;
        try
        {
            (pipes, tls) = await ConnectAnyAsync(timeout, either.Token).ConfigureAwait(false);
            if (activity is not null)
            {
                NetworkTags.Add(activity, pipes.LocalEndPoint, pipes.RemoteEndPoint);
            }

            if (_settings.Mode == MtaTlsClientMode.Required && !tls.DataMultiplexingNegotiated)
            {
                await tls.CompleteAsync(either.Token).ConfigureAwait(false);
                throw new MtaTlsNotNegotiatedException($"{_settings.Endpoint} does not speak MTA-TLS (data_multiplexing, extension type {_settings.ExtensionType}), and Mode is Required.");
            }
            TimeSpan elapsed = _settings.TimeProvider.GetElapsedTime(begin);
            ClientDiagnostics.Handshake(_settings, elapsed, tls, null);
            activity?.SetTag("tls.protocol.version", ClientDiagnostics.Version(tls.Protocol)).SetTag("mtatls.negotiated", tls.DataMultiplexingNegotiated);
            _log.Connected(pipes.Endpoint.Host, pipes.Endpoint.Port, tls.Protocol, tls.DataMultiplexingNegotiated, elapsed.TotalMilliseconds);
            DnsEndPoint endpoint = pipes.Endpoint;
            return new DialedConnection(tls, pipes.DisposeAsync)
            {
                IsMultiplexed = tls.DataMultiplexingNegotiated,
                LocalAddress = pipes.LocalAddress,
                ApplicationProtocol = tls.ApplicationProtocol.ToArray(),
                SslProtocol = tls.Protocol,
                CipherSuite = tls.CipherSuite,
                RemoteCertificate = tls.RemoteCertificate,
                Endpoint = endpoint,
                WentAway = stopsIn => _order.WentAway(endpoint, stopsIn),
            };
        }
        catch (Exception e)
        {
            if (tls is not null)
            {
                await tls.DisposeAsync().ConfigureAwait(false);
            }

            if (pipes is not null)
            {
                await pipes.DisposeAsync().ConfigureAwait(false);
            }

            Exception failure = Explain(e, timeout.IsCancellationRequested, cancellationToken);
            ClientDiagnostics.Handshake(_settings, _settings.TimeProvider.GetElapsedTime(begin), null, failure);
            activity?.SetStatus(ActivityStatusCode.Error, failure.Message);
            _log.ConnectFailed(failure, _settings.Host, _settings.Port);
            if (ReferenceEquals(failure, e))
            {
                throw;
            }

            throw failure;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (TlsContexts context in _contexts.Values)
            {
                context.Dispose();
            }

            _contexts.Clear();
        }
    }

    /// <summary>Connects to the first endpoint that answers and whose handshake succeeds. If an endpoint accepts the connection but the handshake fails, as with a load balancer without servers, another is tried.</summary>
    private async Task<(SocketPipes Pipes, TlsConnection Tls)> ConnectAnyAsync(CancellationTokenSource timeout, CancellationToken cancellationToken)
    {
        long begin = _settings.TimeProvider.GetTimestamp();
        List<DnsEndPoint> left = [.. _order.Now()];
        while (true)
        {
            SocketPipes pipes = await SocketPipes.ConnectAsync(left, _settings, cancellationToken).ConfigureAwait(false);
            using var part = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            using ITimer? timer = left.Count == 1 || _settings.ConnectTimeout == Timeout.InfiniteTimeSpan
                ? null
                : _settings.TimeProvider.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), part, Share(begin, left.Count), Timeout.InfiniteTimeSpan);
            try
            {
                return (pipes, await TlsConnection.ConnectAsync(pipes, Context(_settings.TargetHostOf(pipes.Endpoint)), part.Token).ConfigureAwait(false));
            }
            catch (Exception e)
            {
                await pipes.DisposeAsync().ConfigureAwait(false);
                bool isOver = timeout.IsCancellationRequested || cancellationToken.IsCancellationRequested;
                if (left.Count == 1 || isOver || e is not (IOException or AuthenticationException or OperationCanceledException))
                {
                    throw;
                }

                _log.EndpointFailed(e, pipes.Endpoint.Host, pipes.Endpoint.Port);
                left.Remove(pipes.Endpoint);
            }
        }
    }

    /// <summary>Returns the share of the remaining time that one of several endpoints may take.</summary>
    private TimeSpan Share(long begin, int endpoints)
    {
        TimeSpan left = _settings.ConnectTimeout - _settings.TimeProvider.GetElapsedTime(begin);
        return left > TimeSpan.Zero ? left / endpoints : TimeSpan.Zero;
    }

    /// <summary>Returns the TLS context for a name. Each name has its own, so that the TLS session of one endpoint is not resumed with another.</summary>
    private TlsClientContext Context(string targetHost)
    {
        lock (_gate)
        {
            if (!_contexts.TryGetValue(targetHost, out TlsContexts? contexts))
            {
                _contexts.Add(targetHost, contexts = new TlsContexts(_settings, _protocols, targetHost));
            }

            return contexts.Current;
        }
    }

    private Exception Explain(Exception e, bool timedOut, CancellationToken cancellationToken) => e switch
    {
        OperationCanceledException when cancellationToken.IsCancellationRequested => e,
        OperationCanceledException when timedOut =>
            new IOException($"Connecting to {_settings.Endpoint} took longer than ConnectTimeout ({_settings.ConnectTimeout}).", new TimeoutException()),
        AuthenticationException => new AuthenticationException($"The TLS handshake with {_settings.Endpoint} (as '{_settings.TargetHost}') failed: {e.Message}", e.InnerException ?? e),
        // HttpClient appends the host and port of the URI, which is the channel's destination, so the message must name the endpoint.
        SocketException socket => new SocketException((int)socket.SocketErrorCode, $"The MTA-TLS endpoint {_settings.Endpoint} could not be reached: {e.Message}"),
        IOException and not MtaTlsNotNegotiatedException => new IOException($"Connecting to the MTA-TLS endpoint {_settings.Endpoint} failed: {e.Message}", e),
        _ => e,
    };
}
