using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>The client's certificate in the headers of <c>MtaTls:ClientCertificateHeaders</c>.</summary>
/// <param name="forwarding">What writes them.</param>
/// <param name="add">False where the route says that its backends are told nothing: then the request's own headers are only taken off.</param>
internal sealed class ClientCertificateTransform(ClientCertificateForwarding forwarding, bool add) : RequestTransform
{
    public override ValueTask ApplyAsync(RequestTransformContext context)
    {
        forwarding.Apply(context.HttpContext, context.ProxyRequest, add);
        return default;
    }
}
