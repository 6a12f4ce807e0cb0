using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Writes the client's certificate to the headers of <c>MtaTls:ClientCertificateHeaders</c>.</summary>
/// <param name="forwarding">Writes the headers.</param>
/// <param name="add">False: the route keeps the certificate from its backends, so only the client's own headers are removed.</param>
internal sealed class ClientCertificateTransform(ClientCertificateForwarding forwarding, bool add) : RequestTransform
{
    public override ValueTask ApplyAsync(RequestTransformContext context)
    {
        forwarding.Apply(context.HttpContext, context.ProxyRequest, add);
        return default;
    }
}
