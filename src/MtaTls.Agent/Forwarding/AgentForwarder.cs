using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agent.Links;
using MtaTls.Agents;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.Agent.Forwarding;

/// <summary>Connects channels to TCP services beside the app. It answers an open only after connecting has succeeded or failed.</summary>
internal sealed class AgentForwarder(MtaTlsAgentOptions options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_halfCloseLinger = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private TaskCompletionSource? _empty;
    private int _count;

    /// <summary>Serves the channel until it has ended.</summary>
    /// <param name="request">The gateway's open.</param>
    /// <param name="connections">The connections of the gateway's session.</param>
    /// <param name="name">The name that the channel is for.</param>
    /// <param name="upstream">The TCP service.</param>
    public async Task ForwardAsync(MtaTlsChannelRequest request, LinkConnections connections, AgentName name, ChannelAddress upstream)
    {
        if (!TryBegin())
        {
            logger.ForwardLimitReached(name.ToString(), options.MaxForwardConnections);
            request.Refuse("Not available.");
            return;
        }

        try
        {
            using Socket? socket = await ConnectAsync(request, name, upstream);
            if (socket is not null)
            {
                await TunnelAsync(request.Accept(), socket, connections, name);
            }
        }
        catch (IOException e)
        {
            logger.ForwardEnded(name.ToString(), e.Message);
        }
        finally
        {
            End();
        }
    }

    /// <summary>Waits until no connection is left, at most for <paramref name="timeout"/>.</summary>
    public async Task WaitAsync(TimeSpan timeout)
    {
        Task empty;
        lock (_lock)
        {
            if (_count == 0)
            {
                return;
            }

            empty = (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await empty.WaitAsync(timeout, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private bool TryBegin()
    {
        lock (_lock)
        {
            if (_count >= options.MaxForwardConnections)
            {
                return false;
            }

            _count++;
            return true;
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (--_count == 0)
            {
                _empty?.TrySetResult();
            }
        }
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

    private async Task TunnelAsync(MtaTlsChannel channel, Socket socket, LinkConnections connections, AgentName name)
    {
        using TcpTunnel tunnel = new(socket, channel, s_halfCloseLinger, time);
        connections.Add(tunnel);
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
            connections.Remove(tunnel);
            await channel.DisposeAsync();
        }
    }
}
