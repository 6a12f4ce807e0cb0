using MtaTls.ReverseProxy.Client;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Makes HTTP clients that reach agents for clusters with agents, and ordinary clients for all others.</summary>
internal sealed class ClusterClientFactory(IForwarderHttpClientFactory inner, AgentHttpClientFactory agents) : ChoosingHttpClientFactory(AgentClusterFilter.ClusterMetadata, agents, inner)
{
    /// <summary>The factory of all other clusters.</summary>
    public IForwarderHttpClientFactory Inner { get; } = inner;
}
