using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Every route takes off what a request says of its client's certificate, and tells the real one where the configuration wants it and the route does not say otherwise.</summary>
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
