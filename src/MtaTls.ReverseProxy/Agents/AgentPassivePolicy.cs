using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Does nothing with responses. <see cref="AgentHealth"/> sets the passive health of agents when one is lost.</summary>
internal sealed class AgentPassivePolicy : IPassiveHealthCheckPolicy
{
    public const string PolicyName = "MtaTlsAgents";

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
    }
}
