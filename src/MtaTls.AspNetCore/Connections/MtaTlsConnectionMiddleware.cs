using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.AspNetCore.Transport;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// Looks at a connection's ClientHello without consuming it. Where the extension is not offered, the next middleware, Kestrel's HTTPS, serves the
/// connection as if this one were not there. Where it is, the TLS handshake is done here and every channel of the session goes on as a connection of its own.
/// </summary>
internal sealed class MtaTlsConnectionMiddleware(ConnectionDelegate next, EndpointSettings settings, EndpointTls tls, MtaTlsServer server)
{
    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        if (connection.Features.Get<ITlsConnectionFeature>() is not null)
        {
            await next(connection);
            return;
        }

        long started = server.Time.GetTimestamp();
        if (server.Addresses.TryEnter(connection.RemoteEndPoint) is not { } address)
        {
            Reject(connection, started, nameof(MtaTlsLimits.MaxSessionsPerAddress));
            return;
        }

        bool isOrdinary;
        try
        {
            isOrdinary = await ServeAsync(connection, started, address);
        }
        finally
        {
            server.Addresses.Leave(address);
        }

        if (isOrdinary)
        {
            await next(connection);
        }
    }

    /// <returns>Whether the connection is one of ordinary HTTPS, and still to be served.</returns>
    private async Task<bool> ServeAsync(ConnectionContext connection, long started, ClientAddress address)
    {
        bool? offered;
        TlsConnection? session = null;
        if (!server.Handshakes.TryEnter())
        {
            Reject(connection, started, nameof(MtaTlsLimits.MaxHandshakes));
            return false;
        }

        try
        {
            using CancellationTokenSource timeout = new(HandshakeTimeout, server.Time);
            offered = await PeekAsync(connection, timeout.Token);
            if (offered == true || (offered == false && settings.Mode != DataMultiplexingMode.Allowed))
            {
                if (!server.Sessions.TryEnter())
                {
                    Reject(connection, started, nameof(MtaTlsLimits.MaxSessions));
                    return false;
                }

                session = await HandshakeOrLeaveAsync(connection, started, timeout.Token);
                offered = null;
            }
        }
        finally
        {
            server.Handshakes.Leave();
        }

        if (session is not null)
        {
            try
            {
                await new MtaTlsServerSession(server, settings, connection, next, session, address).RunAsync();
            }
            finally
            {
                server.Sessions.Leave();
            }
        }

        return offered == false;
    }

    /// <summary>Closes a connection for which there is no room: nothing was read that an answer could be made of.</summary>
    private void Reject(ConnectionContext connection, long started, string limit)
    {
        server.SessionLog.ConnectionRejected(connection.ConnectionId, limit);
        server.Metrics.HandshakeFailed(settings, connection, "limit", server.Time.GetElapsedTime(started));
        server.LimitReports.Exceeded(limit, "further connections are closed", MtaTlsMetrics.Tags(settings, connection));
        connection.Abort(new ConnectionAbortedException($"{limit} is reached."));
    }

    private async ValueTask<TlsConnection?> HandshakeOrLeaveAsync(ConnectionContext connection, long started, CancellationToken cancellationToken)
    {
        TlsConnection? session = null;
        try
        {
            return session = await HandshakeAsync(connection, started, cancellationToken);
        }
        finally
        {
            if (session is null)
            {
                server.Sessions.Leave();
            }
        }
    }

    private TimeSpan HandshakeTimeout
    {
        get
        {
            TimeSpan own = server.Limits.HandshakeTimeout, kestrels = settings.Https.HandshakeTimeout;
            return own == Timeout.InfiniteTimeSpan || kestrels < own ? Bounded(kestrels) : own;
        }
    }

    // Kestrel writes "infinite" as TimeSpan.MaxValue, which no timer takes.
    private static TimeSpan Bounded(TimeSpan value) => value.TotalMilliseconds > uint.MaxValue - 1 ? Timeout.InfiniteTimeSpan : value;

    /// <summary>Whether the client offers the extension; null when the connection is over.</summary>
    private async ValueTask<bool?> PeekAsync(ConnectionContext connection, CancellationToken cancellationToken)
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
                // Kestrel calls it for clients that do not offer, but not where its certificate is chosen by a callback of ours.
                if (offers || (status == ClientHelloStatus.Complete && settings.Certificate is not null))
                {
                    settings.Https.TlsClientHelloBytesCallback?.Invoke(connection, buffer.Slice(0, hello!.Length));
                }

                if (status == ClientHelloStatus.TooLong)
                {
                    server.LimitReports.Exceeded(nameof(MtaTlsLimits.MaxClientHelloLength), "such connections are left to Kestrel's HTTPS", MtaTlsMetrics.Tags(settings, connection));
                }

                // What is only looked at stays unexamined, so that the next reader gets it at once.
                bool wait = status == ClientHelloStatus.NeedMore && !result.IsCompleted;
                input.AdvanceTo(buffer.Start, wait ? buffer.End : buffer.Start);
                if (!wait)
                {
                    return offers;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            TimedOut(connection);
            return null;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The client has gone, or the connection was aborted.
            server.SessionLog.HandshakeFailed(connection.ConnectionId, e.Message);
            return null;
        }
    }

    private async ValueTask<TlsConnection?> HandshakeAsync(ConnectionContext connection, long started, CancellationToken cancellationToken)
    {
        using Activity? activity = MtaTlsActivities.StartHandshake(connection, settings);
        (connection as AcceptedConnection)?.TakeSocket();
        try
        {
            TlsConnection session = await TlsConnection.AcceptAsync(connection.Transport, tls.Context, connection, cancellationToken);
            server.Metrics.HandshakeCompleted(settings, connection, session.Protocol, server.Time.GetElapsedTime(started));
            MtaTlsActivities.HandshakeCompleted(activity, session);
            connection.Features.Get<IConnectionMetricsTagsFeature>()?.Tags.Add(new("tls.protocol.version", TlsVersion.Name(session.Protocol)));
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
