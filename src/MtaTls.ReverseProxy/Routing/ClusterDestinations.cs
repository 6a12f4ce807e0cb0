using System.Runtime.CompilerServices;
using MtaTls.AspNetCore.Routing;
using Yarp.ReverseProxy.Model;

namespace MtaTls.ReverseProxy.Routing;

/// <summary>Finds the destinations of a cluster that match a channel's destination, by their metadata or by the host and port of their address.</summary>
internal static class ClusterDestinations
{
    // A DestinationModel never changes; a reload creates a new one.
    private static readonly ConditionalWeakTable<DestinationModel, IReadOnlyList<DestinationPattern>> s_patterns = [];

    /// <summary>
    /// The destinations of the cluster that match most specifically, healthy or not. When the exact destination is down, the request does not go to a wildcard destination, because that one may not serve the
    /// same content.
    /// </summary>
    public static List<DestinationState> Find(ClusterState cluster, ChannelTarget target)
    {
        int best = -1;
        var found = new List<DestinationState>();
        foreach ((string _, DestinationState destination) in cluster.Destinations)
        {
            int specificity = Specificity(destination, target);
            if (specificity < 0 || specificity < best)
            {
                continue;
            }

            if (specificity > best)
            {
                found.Clear();
            }

            best = specificity;
            found.Add(destination);
        }

        return found;
    }

    public static bool UsesPolicy(ClusterState? cluster) =>
        string.Equals(cluster?.Model.Config.LoadBalancingPolicy, MtaTlsMetadata.LoadBalancingPolicy, StringComparison.OrdinalIgnoreCase);

    private static int Specificity(DestinationState destination, ChannelTarget target)
    {
        int best = -1;
        foreach (DestinationPattern pattern in s_patterns.GetValue(destination.Model, Read))
        {
            if (target.Matches(pattern))
            {
                best = Math.Max(best, pattern.Specificity);
            }
        }

        return best;
    }

    private static List<DestinationPattern> Read(DestinationModel model)
    {
        var patterns = new List<DestinationPattern>();
        if (Uri.TryCreate(model.Config.Address, UriKind.Absolute, out Uri? address)
            && DestinationPattern.TryParse($"{address.Host}:{address.Port}", out DestinationPattern? byAddress, out _))
        {
            patterns.Add(byAddress);
        }

        if (model.Config.Metadata?.TryGetValue(MtaTlsMetadata.Destination, out string? text) is true && DestinationPattern.TryParse(text, out DestinationPattern? byMetadata, out _))
        {
            patterns.Add(byMetadata);
        }

        return patterns;
    }
}
