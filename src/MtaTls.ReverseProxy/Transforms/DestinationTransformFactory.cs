using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Reads <c>{ "MtaTlsDestination": "true" }</c> in a route's Transforms.</summary>
internal sealed class DestinationTransformFactory : ITransformFactory
{
    public const string Key = MtaTlsMetadata.LoadBalancingPolicy;

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

        if (bool.Parse(value))
        {
            context.AddMtaTlsDestination();
        }

        return true;
    }
}
