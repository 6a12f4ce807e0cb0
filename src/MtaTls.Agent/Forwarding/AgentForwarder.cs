using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agents;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.Agent.Forwarding;

/// <summary>Connects channels to TCP services beside the app: connects first, and answers the open when that has succeeded or failed.</summary>
internal sealed class AgentForwarder(MtaTlsAgentOptions options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_halfCloseLinger = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_shutdownIdleTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly HashSet<TcpTunnel> _tunnels = [];
    private TaskCompletionSource? _empty;
    private int _connections;
    private bool _shuttingDown;

    /// <summary>Serves the channel until it has ended.</summary>
    public async Task ForwardAsync(MtaTlsChannelRequest request, AgentName name, ChannelAddress upstream)
    {
        if (Interlocked.Increment(ref _connections) > options.MaxForwardConnections)
        {
            Interlocked.Decrement(ref _connections);
            logger.ForwardLimitReached(name.ToString(), options.MaxForwardConnections);
            request.Refuse("Not available.");
            return;
        }

        try
        {
            using Socket? socket = await ConnectAsync(request, name, upstream);
            if (socket is not null)
            {
                await TunnelAsync(request.Accept(), socket, name);
            }
        }
        catch (IOException e)
        {
            logger.ForwardEnded(name.ToString(), e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    /// <summary>Connections through which nothing goes end; those in use go on.</summary>
    public void ShutDown()
    {
        TcpTunnel[] tunnels;
        lock (_lock)
        {
            _shuttingDown = true;
            tunnels = [.. _tunnels];
        }

        foreach (TcpTunnel tunnel in tunnels)
        {
            tunnel.ShutDown(s_shutdownIdleTimeout);
        }
    }

    /// <summary>Waits until no connection is left, for so long at most.</summary>
    public async Task WaitAsync(TimeSpan timeout)
    {
        Task empty;
        lock (_lock)
        {
            if (_tunnels.Count == 0)
            {
                return;
            }

            empty = (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await empty.WaitAsync(timeout, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<Socket?> ConnectAsync(MtaTlsChannelRequest request, AgentName name, ChannelAddress upstream)
    {
        using CancellationTokenSource timeout = new(options.ForwardConnectTimeout, time);
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            EndPoint endPoint = IPAddress.TryParse(upstream.Host, out IPAddress? address) ? new IPEndPoint(address, upstream.Port) : new DnsEndPoint(upstream.Host, upstream.Port);
            await socket.ConnectAsync(endPoint, timeout.Token);
            return socket;
        }
        catch (Exception e)
        {
            socket.Dispose();
            logger.UpstreamNotReached(name.ToString(), upstream.ToString(), e is OperationCanceledException ? $"no answer within ForwardConnectTimeout ({options.ForwardConnectTimeout})" : e.Message);
            request.Refuse("Not available.");
            return null;
        }
    }

    private async Task TunnelAsync(MtaTlsChannel channel, Socket socket, AgentName name)
    {
        using TcpTunnel tunnel = new(socket, channel, s_halfCloseLinger, time);
        lock (_lock)
        {
            _tunnels.Add(tunnel);
            if (_shuttingDown)
            {
                tunnel.ShutDown(s_shutdownIdleTimeout);
            }
        }

        try
        {
            channel.OnClosed(static (_, _, state) => ((TcpTunnel)state!).ChannelClosed(), tunnel);
            TcpTunnelEnd end = await tunnel.RunAsync();
            if (end is TcpTunnelEnd.DestinationFailed or TcpTunnelEnd.ChannelFailed)
            {
                logger.ForwardEnded(name.ToString(), tunnel.Error?.Message ?? end.ToString());
                channel.Abort();
            }
        }
        finally
        {
            lock (_lock)
            {
                _tunnels.Remove(tunnel);
                if (_tunnels.Count == 0)
                {
                    _empty?.TrySetResult();
                }
            }

            await channel.DisposeAsync();
        }
    }
}
