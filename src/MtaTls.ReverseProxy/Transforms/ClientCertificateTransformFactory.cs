using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Reads <c>{ "MtaTlsClientCertificate": "false" }</c> in a route's Transforms, which keeps the client's certificate from the route's backends.</summary>
internal sealed class ClientCertificateTransformFactory(ClientCertificateForwarding forwarding) : SwitchTransformFactory(Key)
{
    public const string Key = "MtaTlsClientCertificate";

    protected override void Apply(TransformBuilderContext context, bool value) => context.RequestTransforms.Add(new ClientCertificateTransform(forwarding, value));
}
