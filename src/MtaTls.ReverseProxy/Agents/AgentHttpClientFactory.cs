using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Makes the HTTP clients of clusters with agents. Their connections are channels that this gateway opens in the agents' sessions.</summary>
internal sealed class AgentHttpClientFactory(
    ILogger<ForwarderHttpClientFactory> clientLogger, AgentSelector selector, AgentRegistry registry, IAgentConnector connector, AgentHealth health, IEnumerable<Peers> peers, ReverseProxySettings settings, AgentMetrics metrics,
    TimeProvider time, ILoggerFactory loggers)
    : ForwarderHttpClientFactory(clientLogger)
{
    // Kestrel closes an idle connection after 130 s. The client must close it earlier, or a request could meet that close.
    private static readonly TimeSpan s_idleTimeout = TimeSpan.FromSeconds(60);

    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);
        handler.PooledConnectionIdleTimeout = s_idleTimeout;
        handler.ConnectCallback = ConnectAsync;
    }

    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler)
        => new AgentHttpHandler(base.WrapHandler(context, handler), selector, registry, peers.FirstOrDefault()?.Agents, health, settings, metrics, time, loggers.CreateLogger(AgentLog.Category));

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        if (context.InitialRequestMessage.Options.TryGetValue(AgentRequest.Member, out AgentMember? member))
        {
            context.InitialRequestMessage.Options.TryGetValue(AgentRequest.Source, out Protocol.ChannelAddress source);
            return (await connector.OpenAsync(member, source, cancellationToken)).AsStream();
        }

        // A cluster may have ordinary destinations too.
        System.Net.Sockets.Socket socket = new(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
