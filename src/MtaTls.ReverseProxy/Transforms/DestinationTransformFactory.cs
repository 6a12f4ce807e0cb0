using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Reads <c>{ "MtaTlsDestination": "true" }</c> in a route's Transforms.</summary>
internal sealed class DestinationTransformFactory() : SwitchTransformFactory(Key)
{
    public const string Key = MtaTlsMetadata.LoadBalancingPolicy;

    protected override void Apply(TransformBuilderContext context, bool value)
    {
        if (value)
        {
            context.AddMtaTlsDestination();
        }
    }
}
