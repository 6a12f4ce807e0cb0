using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Reads <c>{ "KEY": "true" }</c> or <c>"false"</c> in a route's Transforms, and nothing beside it.</summary>
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
            context.Errors.Add(new ArgumentException($"Route '{context.Route.RouteId}': the transform {key} is '{value}' and not true or false."));
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

    /// <summary>Adds to the route what the value asks for.</summary>
    protected abstract void Apply(TransformBuilderContext context, bool value);
}
