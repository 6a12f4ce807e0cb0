using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>The passive health of agents, which <see cref="AgentHealth"/> sets when it learns of a loss; answers say nothing about it.</summary>
internal sealed class AgentPassivePolicy : IPassiveHealthCheckPolicy
{
    public const string PolicyName = "MtaTlsAgents";

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
    }
}
