using Microsoft.Extensions.Configuration;
using Yarp.ReverseProxy.Configuration;

namespace MtaTls.ReverseProxy.Configuration;

/// <summary>
/// Restores metadata whose key contains a colon. A colon separates keys in .NET's configuration, so YARP reads "MtaTls:Destination" as a key "MtaTls" without a value. This filter looks the
/// value up in the configuration of the same route, cluster or destination.
/// </summary>
internal sealed class NestedMetadataFilter(IConfiguration configuration) : IProxyConfigFilter
{
    private const string Prefix = "MtaTls";

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel) =>
        new(Lost(route.Metadata) ? route with { Metadata = Restore(route.Metadata!, $"Routes:{route.RouteId}") } : route);

    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel)
    {
        if (Lost(cluster.Metadata))
        {
            cluster = cluster with { Metadata = Restore(cluster.Metadata!, $"Clusters:{cluster.ClusterId}") };
        }

        if (cluster.Destinations?.Values.Any(d => Lost(d.Metadata)) is true)
        {
            cluster = cluster with
            {
                Destinations = cluster.Destinations.ToDictionary(
                    d => d.Key,
                    d => Lost(d.Value.Metadata) ? d.Value with { Metadata = Restore(d.Value.Metadata!, $"Clusters:{cluster.ClusterId}:Destinations:{d.Key}") } : d.Value,
                    StringComparer.OrdinalIgnoreCase),
            };
        }

        return new(cluster);
    }

    private static bool Lost(IReadOnlyDictionary<string, string>? metadata) => metadata is not null && metadata.TryGetValue(Prefix, out string? value) && value is null;

    private Dictionary<string, string> Restore(IReadOnlyDictionary<string, string> metadata, string owner)
    {
        var restored = metadata.Where(m => !m.Key.Equals(Prefix, StringComparison.OrdinalIgnoreCase)).ToDictionary(StringComparer.OrdinalIgnoreCase);
        // This filter does not know which section YARP was given, so it searches every section with a route, cluster or destination of that name.
        string path = $":{owner}:Metadata:{Prefix}:";
        foreach ((string key, string? value) in configuration.AsEnumerable())
        {
            int at = value is null ? -1 : (":" + key).IndexOf(path, StringComparison.OrdinalIgnoreCase);
            if (at < 0)
            {
                continue;
            }

            string name = $"{Prefix}:{key[(at + path.Length - 1)..]}";
            if (!restored.TryAdd(name, value!) && restored[name] != value)
            {
                throw new InvalidOperationException($"'{owner}' has two values for the metadata '{name}': '{restored[name]}' and '{value}' ({key}). Give the two owners different names.");
            }
        }

        return restored;
    }
}
