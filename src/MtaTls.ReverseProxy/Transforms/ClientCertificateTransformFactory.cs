using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Reads <c>{ "MtaTlsClientCertificate": "false" }</c> in a route's Transforms: its backends are not told the client's certificate.</summary>
internal sealed class ClientCertificateTransformFactory(ClientCertificateForwarding forwarding) : ITransformFactory
{
    public const string Key = "MtaTlsClientCertificate";

    public bool Validate(TransformRouteValidationContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.TryGetValue(Key, out string? value))
        {
            return false;
        }

        if (transformValues.Count > 1)
        {
            context.Errors.Add(new ArgumentException($"Route '{context.Route.RouteId}': the transform {Key} takes no other keys, but has '{string.Join("', '", transformValues.Keys.Where(k => !k.Equals(Key, StringComparison.OrdinalIgnoreCase)))}'."));
        }

        if (!bool.TryParse(value, out _))
        {
            context.Errors.Add(new ArgumentException($"Route '{context.Route.RouteId}': the transform {Key} is '{value}' and not true or false."));
        }

        return true;
    }

    public bool Build(TransformBuilderContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.TryGetValue(Key, out string? value))
        {
            return false;
        }

        context.RequestTransforms.Add(new ClientCertificateTransform(forwarding, bool.Parse(value)));
        return true;
    }
}
