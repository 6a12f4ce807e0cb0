using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Gives clusters with agents their own clients, and all others what they would have without.</summary>
internal sealed class ClusterClientFactory(IForwarderHttpClientFactory inner, AgentHttpClientFactory agents) : IForwarderHttpClientFactory
{
    /// <summary>The factory of all other clusters.</summary>
    public IForwarderHttpClientFactory Inner => inner;

    public HttpMessageInvoker CreateClient(ForwarderHttpClientContext context)
        => (context.NewMetadata?.ContainsKey(AgentClusterFilter.ClusterMetadata) == true ? agents : inner).CreateClient(context);
}
