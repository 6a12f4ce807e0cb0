using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Makes every route remove the client's own certificate headers, and add the configured ones unless the route turns that off.</summary>
internal sealed class ClientCertificateTransformProvider(ClientCertificateForwarding forwarding) : ITransformProvider
{
    public void ValidateRoute(TransformRouteValidationContext context)
    {
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
    }

    public void Apply(TransformBuilderContext context)
    {
        if (!context.RequestTransforms.OfType<ClientCertificateTransform>().Any())
        {
            context.RequestTransforms.Add(new ClientCertificateTransform(forwarding, add: true));
        }
    }
}
