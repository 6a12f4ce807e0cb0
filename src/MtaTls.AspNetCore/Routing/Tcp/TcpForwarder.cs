using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Identities;
using MtaTls.AspNetCore.ProxyProtocol;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Connects channels to their destinations over TCP. It answers the open only when the TCP connection has succeeded or failed.</summary>
internal sealed class TcpForwarder(IHostResolver resolver, ServerAddresses listeners, RoutingMetrics metrics, ILoggerFactory loggers, TimeProvider timeProvider)
{
    private readonly TcpConnector _connector = new(resolver, timeProvider);
    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Routing);
    private readonly CountLimit _connections = new();

    /// <summary>The number of TCP connections, open or being opened.</summary>
    public int Connections => _connections.Count;

    /// <summary>Starts to connect a channel. Returns at once; the request is answered later.</summary>
    public void Start(MtaTlsServerSession session, MtaTlsChannelRequest request, ChannelRoute route, ChannelHost host, MtaTlsTcpOptions options)
    {
        if (request.Destination.Port == 0 && route.Upstream is null)
        {
            Refuse(session, request, route, "no connection to port 0 is possible", "port");
        }
        else if (TcpLease.TryTake(_connections, session.Address, options, out (string Name, int Value) limit) is not { } lease)
        {
            session.LimitExceeded($"{nameof(MtaTlsOptions.Tcp)}:{limit.Name}", "opens are refused");
            Refuse(session, request, route, $"MtaTls:Tcp:{limit.Name} ({limit.Value}) is reached", "limit");
        }
        else
        {
            metrics.TcpConnectionStarted();
            (ChannelHost destination, int port) = route.Upstream ?? (host, request.Destination.Port);
            ThreadPool.UnsafeQueueUserWorkItem(_ => Forward(session, request, route, destination, port, options, lease), null);
        }
    }

    private async void Forward(MtaTlsServerSession session, MtaTlsChannelRequest request, ChannelRoute route, ChannelHost host, int port, MtaTlsTcpOptions options, TcpLease lease)
    {
        try
        {
            using Socket? socket = await ConnectAsync(session, request, route, host, port, options);
            if (socket is not null && session.Channels.AcceptForForwarding(request) is { } channel)
            {
                await TunnelAsync(session, request, route, channel, socket, options);
            }
        }
        catch (Exception e)
        {
            _logger.ForwardingFailed(session.SessionId, request.Destination, e);
        }
        finally
        {
            lease.Dispose();
            metrics.TcpConnectionEnded();
        }
    }

    private async Task<Socket?> ConnectAsync(MtaTlsServerSession session, MtaTlsChannelRequest request, ChannelRoute route, ChannelHost host, int port, MtaTlsTcpOptions options)
    {
        try
        {
            return await _connector.ConnectAsync(session.Address, host, port, address => IsPermitted(session, request, route, address, port), options.ConnectTimeout, session.Connection.ConnectionClosed);
        }
        catch (TcpConnectException e)
        {
            if (e.IsTimeout)
            {
                session.LimitExceeded($"{nameof(MtaTlsOptions.Tcp)}:{nameof(options.ConnectTimeout)}", "opens are refused");
            }

            Refuse(session, request, route, e.Message, "connect");
        }
        catch (OperationCanceledException)
        {
            // The session has ended, so the client does not get the answer.
            Refuse(session, request, route, "the session has ended", "session");
        }
        catch (Exception e)
        {
            // Without an answer the open would count as pending until the session ends.
            _logger.ForwardingFailed(session.SessionId, request.Destination, e);
            Refuse(session, request, route, "an error of this server", "error");
        }

        return null;
    }

    private bool IsPermitted(MtaTlsServerSession session, MtaTlsChannelRequest request, ChannelRoute route, IPAddress address, int port)
    {
        if (listeners.Contains(address, port) && !route.NamesExactly(address, port))
        {
            _logger.OwnListenerNotAllowed(session.SessionId, request.Destination, address, route.Name);
            return false;
        }

        AddressClass @class = SpecialAddresses.Classify(address);
        if (@class == AddressClass.Public || route.Names(address))
        {
            return true;
        }

        _logger.AddressNotAllowed(session.SessionId, request.Destination, address, @class, route.Name);
        return false;
    }

    private async Task TunnelAsync(MtaTlsServerSession session, MtaTlsChannelRequest request, ChannelRoute route, ServerChannel accepted, Socket socket, MtaTlsTcpOptions options)
    {
        MtaTlsChannel channel = accepted.Channel;
        _logger.ChannelConnected(session.SessionId, channel.Id, request.Source, request.Destination, socket.RemoteEndPoint, route.Name);
        using PacedPipe? paced = session.Identity?.CreatePipe(channel);
        using var tunnel = new TcpTunnel(socket, (IDuplexPipe?)paced ?? channel, options.HalfCloseLinger, timeProvider);
        try
        {
            TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            channel.OnClosed(
                static (_, _, state) =>
                {
                    (TcpTunnel tunnel, TaskCompletionSource closed) = ((TcpTunnel, TaskCompletionSource))state!;
                    closed.SetResult();
                    tunnel.ChannelClosed();
                },
                (tunnel, closed));
            if (route.ProxyProtocol != ProxyProtocolVersion.None)
            {
                // The send buffer of a new connection has room for the header.
                await socket.SendAsync(ProxyHeaderWriter.Write(route.ProxyProtocol, session, $"{session.SessionId}-{channel.Id}"), session.Connection.ConnectionClosed);
            }

            CancellationToken stopping = session.Connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
            using CancellationTokenRegistration registration = stopping.UnsafeRegister(_ => tunnel.ShutDown(options.ShutdownIdleTimeout), null);
            TcpTunnelEnd end = await tunnel.RunAsync(() => CloseAsync(channel, closed.Task, tunnel, options.HalfCloseLinger));
            _logger.TunnelEnded(session.SessionId, channel.Id, end, tunnel.BytesSent, tunnel.BytesReceived, tunnel.Error?.Message ?? "");
            if (tunnel.HasGivenUp)
            {
                session.LimitExceeded($"{nameof(MtaTlsOptions.Tcp)}:{nameof(options.HalfCloseLinger)}", "connections of closed channels are ended");
            }
            // The failure of a destination is no error of the client, so Abort gets no reason and the TLS session stays resumable.
            if (end is TcpTunnelEnd.DestinationFailed or TcpTunnelEnd.ChannelFailed)
            {
                channel.Abort();
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // The destination has closed the connection before it got the header, or the session has ended.
            _logger.TunnelEnded(session.SessionId, channel.Id, TcpTunnelEnd.DestinationFailed, 0, 0, e.Message);
            channel.Abort();
        }
        finally
        {
            await channel.DisposeAsync();
            session.Channels.ForwardingEnded(accepted);
        }
    }

    /// <summary>Closes a channel whose destination has ended. Returns whether the destination has got all data that the client sent before it confirmed the close.</summary>
    private async ValueTask<bool> CloseAsync(MtaTlsChannel channel, Task closed, TcpTunnel tunnel, TimeSpan limit)
    {
        try
        {
            await channel.CloseAsync();
            await closed.WaitAsync(limit, timeProvider);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            return false;
        }

        return channel.BytesReceived == tunnel.BytesSent && !channel.HasIgnoredData;
    }

    private void Refuse(MtaTlsServerSession session, MtaTlsChannelRequest request, ChannelRoute route, string reason, string cause)
    {
        _logger.ChannelNotConnected(session.SessionId, request.SenderChannelId, request.Source, request.Destination, route.Name, reason);
        metrics.ConnectFailed(route.Name, cause);
        request.Refuse(ChannelDispatcher.Refusal);
    }
}
