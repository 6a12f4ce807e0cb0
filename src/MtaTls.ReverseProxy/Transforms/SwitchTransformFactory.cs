using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Reads a transform with one key, <c>{ "KEY": "true" }</c> or <c>"false"</c>, in a route's Transforms.</summary>
/// <param name="key">The transform's key.</param>
internal abstract class SwitchTransformFactory(string key) : ITransformFactory
{
    public bool Validate(TransformRouteValidationContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.TryGetValue(key, out string? value))
        {
            return false;
        }

        if (transformValues.Count > 1)
        {
            context.Errors.Add(new ArgumentException($"Route '{context.Route.RouteId}': the transform {key} takes no other keys, but has '{string.Join("', '", transformValues.Keys.Where(k => !k.Equals(key, StringComparison.OrdinalIgnoreCase)))}'."));
        }

        if (!bool.TryParse(value, out _))
        {
            context.Errors.Add(new ArgumentException($"Route '{context.Route.RouteId}': the transform {key} must be true or false, but is '{value}'."));
        }

        return true;
    }

    public bool Build(TransformBuilderContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.TryGetValue(key, out string? value))
        {
            return false;
        }

        Apply(context, bool.Parse(value));
        return true;
    }

    /// <summary>Adds the transforms for the value to the route.</summary>
    protected abstract void Apply(TransformBuilderContext context, bool value);
}
