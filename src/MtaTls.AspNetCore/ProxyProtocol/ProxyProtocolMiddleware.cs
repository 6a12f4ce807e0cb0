using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Transport;

namespace MtaTls.AspNetCore.ProxyProtocol;

/// <summary>
/// Reads the PROXY protocol header of connections from load balancers, before TLS, and sets the connection's addresses from it. Logs, limits per address and requests then see the client's address.
/// A connection without a valid header is closed; other connections are not affected.
/// </summary>
internal sealed class ProxyProtocolMiddleware(ConnectionDelegate next, string? endpoint, MtaTlsServer server)
{
    private static readonly TimeSpan s_logInterval = TimeSpan.FromMinutes(1);

    private readonly MtaTlsProxyProtocolOptions _options = server.Options.ProxyProtocol;

    // The options were validated before, so there are no errors to collect.
    private readonly ProxyProtocolNetworks _networks = ProxyProtocolNetworks.Read(server.Options.ProxyProtocol, "", new());
    private long _logged = long.MinValue;

    /// <summary>Whether an HTTPS endpoint expects headers.</summary>
    public static bool IsFor(string? endpoint, MtaTlsProxyProtocolOptions options)
        => options.Networks.Count > 0 && (options.Endpoints.Count == 0 || (endpoint is not null && options.Endpoints.Contains(endpoint, StringComparer.OrdinalIgnoreCase)));

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        EndPoint? proxy = connection.RemoteEndPoint;
        if (_networks.Contains(proxy))
        {
            if (await ReadAsync(connection) is not { } header)
            {
                return;
            }

            header.ProxyEndPoint = proxy;
            if (header is { SourceEndPoint: { } source, DestinationEndPoint: { } destination })
            {
                connection.RemoteEndPoint = source;
                connection.LocalEndPoint = destination;
            }

            connection.Features.Set<IMtaTlsProxyProtocolFeature>(header);
            server.SessionLog.ProxyHeaderRead(connection.ConnectionId, proxy, header.SourceEndPoint, header.Version, header.IsLocal);
        }

        await next(connection);
    }

    /// <summary>Reads and consumes the header and no byte after it. Null if there is no valid header.</summary>
    private async Task<ProxyHeader?> ReadAsync(ConnectionContext connection)
    {
        TagList tags = MtaTlsMetrics.Tags(endpoint, connection);
        using CancellationTokenSource timeout = new(_options.HeaderTimeout, server.Time);
        try
        {
            PipeReader input = (connection as AcceptedConnection)?.Peek() ?? connection.Transport.Input;
            while (true)
            {
                ReadResult result = await input.ReadAsync(timeout.Token);
                ReadOnlySequence<byte> buffer = result.Buffer;
                ProxyHeaderStatus status = ProxyHeaderReader.TryRead(buffer, _options.MaxHeaderLength, out ProxyHeader? header, out int length);
                if (status == ProxyHeaderStatus.Complete)
                {
                    // The bytes after the header stay unexamined, so that the next read gets them at once.
                    input.AdvanceTo(buffer.GetPosition(length));
                    server.Metrics.ProxyHeaderRead(tags, header!.IsLocal);
                    return header;
                }

                input.AdvanceTo(buffer.Start, buffer.End);
                if (status != ProxyHeaderStatus.NeedMore || result.IsCompleted)
                {
                    Refuse(connection, status, tags);
                    return null;
                }
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            server.LimitReports.Exceeded($"{nameof(MtaTlsOptions.ProxyProtocol)}:{nameof(_options.HeaderTimeout)}", "such connections are closed", tags);
            Refuse(connection, "late", "timeout", tags);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            Refuse(connection, "lost", "connection_lost", tags);
        }

        return null;
    }

    private void Refuse(ConnectionContext connection, ProxyHeaderStatus status, in TagList tags)
    {
        switch (status)
        {
            case ProxyHeaderStatus.TooLong:
                server.LimitReports.Exceeded($"{nameof(MtaTlsOptions.ProxyProtocol)}:{nameof(_options.MaxHeaderLength)}", "such connections are closed", tags);
                Refuse(connection, "too long", "too_long", tags);
                break;
            case ProxyHeaderStatus.NeedMore:
                // No warning: many load balancers open and close a connection as a health check.
                server.SessionLog.ProxyHeaderRefused(connection.ConnectionId, connection.RemoteEndPoint, "incomplete");
                server.Metrics.ProxyHeaderRefused(tags, "incomplete");
                break;
            case ProxyHeaderStatus.Absent:
                Refuse(connection, "missing", "missing", tags);
                break;
            default:
                Refuse(connection, "invalid", "invalid", tags);
                break;
        }
    }

    private void Refuse(ConnectionContext connection, string fault, string error, in TagList tags)
    {
        server.SessionLog.ProxyHeaderRefused(connection.ConnectionId, connection.RemoteEndPoint, fault);
        server.Metrics.ProxyHeaderRefused(tags, error);
        long now = server.Time.GetTimestamp(), logged = Volatile.Read(ref _logged);
        if ((logged == long.MinValue || server.Time.GetElapsedTime(logged, now) >= s_logInterval) && Interlocked.CompareExchange(ref _logged, now, logged) == logged)
        {
            server.EndpointLog.ProxyHeadersRefused(connection.RemoteEndPoint, fault);
        }
    }
}
