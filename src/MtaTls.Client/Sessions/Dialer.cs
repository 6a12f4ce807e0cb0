using System.Diagnostics;
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
    private readonly TlsContexts _contexts;
    private readonly ILogger _log;

    public Dialer(ClientSettings settings, ProtocolList protocols, ILogger log)
    {
        _settings = settings;
        _log = log;
        _contexts = new TlsContexts(settings, protocols);
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
            pipes = await SocketPipes.ConnectAsync(_settings, either.Token).ConfigureAwait(false);
            if (activity is not null)
            {
                NetworkTags.Add(activity, pipes.LocalEndPoint, pipes.RemoteEndPoint);
            }

            tls = await TlsConnection.ConnectAsync(pipes, _contexts.Current, either.Token).ConfigureAwait(false);
            if (_settings.Mode == MtaTlsClientMode.Required && !tls.DataMultiplexingNegotiated)
            {
                await tls.CompleteAsync(either.Token).ConfigureAwait(false);
                throw new MtaTlsNotNegotiatedException($"{_settings.Host}:{_settings.Port} does not speak MTA-TLS (data_multiplexing, extension type {_settings.ExtensionType}), and Mode is Required.");
            }
            TimeSpan elapsed = _settings.TimeProvider.GetElapsedTime(begin);
            ClientDiagnostics.Handshake(_settings, elapsed, tls, null);
            activity?.SetTag("tls.protocol.version", ClientDiagnostics.Version(tls.Protocol)).SetTag("mtatls.negotiated", tls.DataMultiplexingNegotiated);
            _log.Connected(_settings.Host, _settings.Port, tls.Protocol, tls.DataMultiplexingNegotiated, elapsed.TotalMilliseconds);
            return new DialedConnection(tls, pipes.DisposeAsync)
            {
                IsMultiplexed = tls.DataMultiplexingNegotiated,
                LocalAddress = pipes.LocalAddress,
                ApplicationProtocol = tls.ApplicationProtocol.ToArray(),
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

    public void Dispose() => _contexts.Dispose();

    private Exception Explain(Exception e, bool timedOut, CancellationToken cancellationToken) => e switch
    {
        OperationCanceledException when cancellationToken.IsCancellationRequested => e,
        OperationCanceledException when timedOut =>
            new IOException($"Connecting to {_settings.Host}:{_settings.Port} took longer than ConnectTimeout ({_settings.ConnectTimeout}).", new TimeoutException()),
        AuthenticationException => new AuthenticationException($"The TLS handshake with {_settings.Host}:{_settings.Port} (as '{_settings.TargetHost}') failed: {e.Message}", e.InnerException ?? e),
        _ => e,
    };
}
