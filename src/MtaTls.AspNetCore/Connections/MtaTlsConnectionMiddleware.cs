using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.AspNetCore.Identities;
using MtaTls.AspNetCore.Transport;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// Looks at a connection's ClientHello without consuming it. If the client does not offer the extension, the next middleware, Kestrel's HTTPS, serves the
/// connection unchanged. If it does, this middleware does the TLS handshake, and every channel of the session becomes a connection of its own.
/// </summary>
internal sealed class MtaTlsConnectionMiddleware(ConnectionDelegate next, EndpointSettings settings, EndpointTls endpointTls, MtaTlsServer server)
{
    private static readonly TimeSpan s_kestrelDefault = new HttpsConnectionAdapterOptions().HandshakeTimeout;

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        if (connection.Features.Get<ITlsConnectionFeature>() is not null)
        {
            await next(connection);
            return;
        }

        long started = server.Time.GetTimestamp();
        PeekResult peeked;
        TlsConnection? tls = null;
        SessionLease? lease = null;
        using (CancellationTokenSource timeout = new(HandshakeTimeout, server.Time))
        {
            peeked = await PeekAsync(connection, timeout.Token);
            if (peeked.Outcome == PeekOutcome.Offered || (peeked.Outcome == PeekOutcome.Ordinary && settings.Mode != DataMultiplexingMode.Allowed))
            {
                // Not before: a connection that sends nothing, or wants ordinary HTTPS, takes no place.
                lease = SessionLease.TryTake(server, connection.RemoteEndPoint, out string? limit);
                if (lease is null)
                {
                    Reject(connection, started, limit!);
                    return;
                }

                tls = await HandshakeAsync(connection, peeked.Hello, started, timeout.Token);
                lease.HandshakeEnded();
            }
        }

        if (lease is null)
        {
            if (peeked.Outcome == PeekOutcome.Ordinary)
            {
                await next(connection);
            }

            return;
        }

        using (lease)
        {
            if (tls is not null)
            {
                using var identity = SessionIdentity.Enter(server, tls.RemoteCertificate);
                await new MtaTlsServerSession(server, settings, connection, next, tls, lease.Address, identity).RunAsync();
            }
        }
    }

    /// <summary>Closes a connection that exceeds a limit.</summary>
    private void Reject(ConnectionContext connection, long started, string limit)
    {
        server.SessionLog.ConnectionRejected(connection.ConnectionId, limit);
        server.Metrics.HandshakeFailed(settings, connection, "limit", server.Time.GetElapsedTime(started));
        server.LimitReports.Exceeded(limit, "further connections are closed", MtaTlsMetrics.Tags(settings, connection));
        connection.Abort(new ConnectionAbortedException($"{limit} is reached."));
    }

    private TimeSpan HandshakeTimeout
    {
        get
        {
            TimeSpan own = server.Limits.HandshakeTimeout, kestrel = settings.Https.HandshakeTimeout;
            // The application did not choose Kestrel's default of 10 s. If it counted, a longer MtaTls:Limits:HandshakeTimeout would have no effect.
            return kestrel != s_kestrelDefault && (own == Timeout.InfiniteTimeSpan || kestrel < own) ? Bounded(kestrel) : own;
        }
    }

    // Kestrel's infinite time is TimeSpan.MaxValue, which is too long for a timer.
    private static TimeSpan Bounded(TimeSpan value) => value.TotalMilliseconds > uint.MaxValue - 1 ? Timeout.InfiniteTimeSpan : value;

    private async ValueTask<PeekResult> PeekAsync(ConnectionContext connection, CancellationToken cancellationToken)
    {
        PipeReader input = (connection as AcceptedConnection)?.Peek() ?? connection.Transport.Input;
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync(cancellationToken);
                ReadOnlySequence<byte> buffer = result.Buffer;
                ClientHelloStatus status = ClientHelloReader.TryRead(buffer, server.Options.ExtensionType, server.Limits.MaxClientHelloLength, out ClientHelloInfo? hello);
                bool offers = status == ClientHelloStatus.Complete && hello!.OffersExtension;
                // Kestrel invokes the callback for clients that do not offer the extension, but not where our callback selects the certificate.
                if (offers || (status == ClientHelloStatus.Complete && settings.Certificate is not null))
                {
                    settings.Https.TlsClientHelloBytesCallback?.Invoke(connection, buffer.Slice(0, hello!.Length));
                }

                if (status == ClientHelloStatus.TooLong)
                {
                    server.LimitReports.Exceeded(nameof(MtaTlsLimits.MaxClientHelloLength), "such connections are left to Kestrel's HTTPS", MtaTlsMetrics.Tags(settings, connection));
                }

                // The bytes stay unexamined, so that the next reader gets them at once.
                bool wait = status == ClientHelloStatus.NeedMore && !result.IsCompleted;
                input.AdvanceTo(buffer.Start, wait ? buffer.End : buffer.Start);
                if (!wait)
                {
                    return new PeekResult(offers ? PeekOutcome.Offered : PeekOutcome.Ordinary, hello);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            TimedOut(connection);
            return default;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The client has disconnected, or the connection was aborted.
            server.SessionLog.HandshakeFailed(connection.ConnectionId, e.Message);
            return default;
        }
    }

    private async ValueTask<TlsConnection?> HandshakeAsync(ConnectionContext connection, ClientHelloInfo? hello, long started, CancellationToken cancellationToken)
    {
        using Activity? activity = MtaTlsActivities.StartHandshake(connection, settings);
        ReadOnlyMemory<byte> received = (connection as AcceptedConnection)?.TakeSocket() ?? default;
        try
        {
            TlsConnection session = await TlsConnection.AcceptAsync(connection.Transport, endpointTls.Context, hello, received, connection, cancellationToken);
            server.Metrics.HandshakeCompleted(settings, connection, session.Protocol, server.Time.GetElapsedTime(started));
            MtaTlsActivities.HandshakeCompleted(activity, session);
            AddTags(connection, session);
            return session;
        }
        catch (Exception e)
        {
            string reason = FailureReason(e);
            server.Metrics.HandshakeFailed(settings, connection, reason, server.Time.GetElapsedTime(started));
            MtaTlsActivities.Failed(activity, reason, e);
            connection.Features.Get<IConnectionMetricsTagsFeature>()?.Tags.Add(new("error.type", "tls_handshake_failed"));
            switch (e)
            {
                case OperationCanceledException:
                    TimedOut(connection);
                    break;
                case AuthenticationException or IOException:
                    server.SessionLog.HandshakeFailed(connection.ConnectionId, (e.InnerException as TlsAlertException ?? e).Message);
                    break;
                default:
                    server.SessionLog.HandshakeImpossible(connection.ConnectionId, e);
                    break;
            }

            return null;
        }
    }

    /// <summary>Adds the tags of Kestrel's metric for the duration of a connection. Every channel speaks the protocol that ALPN selected.</summary>
    private static void AddTags(ConnectionContext connection, TlsConnection session)
    {
        if (connection.Features.Get<IConnectionMetricsTagsFeature>()?.Tags is not { } tags)
        {
            return;
        }

        tags.Add(new("tls.protocol.version", TlsVersion.Name(session.Protocol)));
        string? version = session.ApplicationProtocol.Span switch
        {
            [(byte)'h', (byte)'2'] => "2",
            [.., (byte)'/', (byte)'1', (byte)'.', (byte)'1'] => "1.1",
            _ => null,
        };
        if (version is not null)
        {
            tags.Add(new("network.protocol.name", "http"));
            tags.Add(new("network.protocol.version", version));
        }
    }

    private void TimedOut(ConnectionContext connection)
    {
        server.SessionLog.HandshakeTimedOut(connection.ConnectionId);
        server.Metrics.LimitExceeded(nameof(MtaTlsLimits.HandshakeTimeout), 1, MtaTlsMetrics.Tags(settings, connection));
    }

    private static string FailureReason(Exception e) => e switch
    {
        OperationCanceledException => "timeout",
        { InnerException: TlsAlertException alert } => $"alert_{(int)alert.Alert}",
        IOException => "connection_lost",
        AuthenticationException => "authentication",
        _ => "configuration",
    };
}
