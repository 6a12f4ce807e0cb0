using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Passes the public client's address on, which becomes the source of the agent's channel.</summary>
internal sealed class AgentTransforms : ITransformProvider
{
    public void ValidateRoute(TransformRouteValidationContext context)
    {
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
    }

    public void Apply(TransformBuilderContext context)
    {
        if (context.Cluster?.Metadata?.ContainsKey(AgentClusterFilter.ClusterMetadata) == true)
        {
            context.AddRequestTransform(static transform =>
            {
                transform.ProxyRequest.Options.Set(AgentRequest.Source, AgentRequest.SourceOf(transform.HttpContext.Connection));
                return default;
            });
        }
    }
}
