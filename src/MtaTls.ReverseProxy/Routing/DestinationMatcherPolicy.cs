using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Diagnostics;
using Yarp.ReverseProxy.Model;

namespace MtaTls.ReverseProxy.Routing;

/// <summary>
/// Keeps YARP routes with the metadata <see cref="MtaTlsMetadata.Destination"/> to channels so addressed, and answers where going on would be a guess: 421 where the request names
/// another host than its channel, 502 where no destination of the cluster corresponds to the channel.
/// </summary>
internal sealed class DestinationMatcherPolicy(HostMatching hostMatching, ILogger<DestinationMatcherPolicy> logger) : MatcherPolicy, IEndpointSelectorPolicy, IEndpointComparerPolicy
{
    private static readonly ConditionalWeakTable<RouteModel, RouteDestination> s_destinations = [];
    private readonly Endpoint _misdirected = new(hostMatching.RejectAsync, EndpointMetadataCollection.Empty, "421 Misdirected Request");

    /// <summary>After YARP's own policies for headers and query parameters, so that what they rule out is not answered here.</summary>
    public override int Order => -10;

    public IComparer<Endpoint> Comparer { get; } = new SpecificityComparer();

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints)
    {
        // A cluster's policy may change while its endpoint stays: what matters is looked at when a request comes.
        foreach (Endpoint endpoint in endpoints)
        {
            if (endpoint.Metadata.GetMetadata<RouteModel>() is not null)
            {
                return true;
            }
        }

        return false;
    }

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var target = ChannelTarget.Of(httpContext);
        for (int i = 0; i < candidates.Count; i++)
        {
            if (!candidates.IsValidCandidate(i) || candidates[i].Endpoint?.Metadata.GetMetadata<RouteModel>() is not { } route)
            {
                continue;
            }

            var destination = RouteDestination.Of(route);
            bool byCluster = ClusterDestinations.UsesPolicy(route.Cluster);
            if (!destination.IsFor(target))
            {
                candidates.SetValidity(i, false);
            }
            else if (target is not null && (destination.Exists || byCluster) && !hostMatching.Accepts(target, httpContext.Request))
            {
                candidates.ReplaceEndpoint(i, _misdirected, candidates[i].Values);
            }
            else if (byCluster && (target is null || ClusterDestinations.Find(route.Cluster!, target).Count == 0))
            {
                candidates.ReplaceEndpoint(i, NoDestination(route.Cluster!.ClusterId, target), candidates[i].Values);
            }
        }

        return Task.CompletedTask;
    }

    private Endpoint NoDestination(string clusterId, ChannelTarget? target) => new(
        context =>
        {
            if (target is null)
            {
                ReverseProxyLog.NoChannel(logger, context.Connection.Id, clusterId);
            }
            else
            {
                ReverseProxyLog.NoDestination(logger, context.Connection.Id, clusterId, target.ToString());
            }

            context.Response.StatusCode = StatusCodes.Status502BadGateway;
            return Task.CompletedTask;
        },
        EndpointMetadataCollection.Empty,
        "502 no destination");

    /// <summary>What a route says of destinations, read once.</summary>
    private sealed class RouteDestination
    {
        private readonly DestinationPattern? _pattern;

        private RouteDestination(RouteModel route)
        {
            Exists = route.Config.Metadata?.TryGetValue(MtaTlsMetadata.Destination, out string? text) is true && text is not null;
            if (Exists)
            {
                _ = DestinationPattern.TryParse(route.Config.Metadata![MtaTlsMetadata.Destination], out _pattern, out _);
            }
        }

        public bool Exists { get; }

        public int Specificity => _pattern?.Specificity ?? -1;

        public static RouteDestination Of(RouteModel route) => s_destinations.GetValue(route, static r => new RouteDestination(r));

        /// <summary>A pattern that cannot be parsed is refused when the configuration is loaded. Otherwise it would match nothing.</summary>
        public bool IsFor(ChannelTarget? target) => !Exists || (_pattern is not null && target is not null && target.Matches(_pattern));
    }

    /// <summary>Where two routes are equal otherwise, the one for fewer destinations goes first.</summary>
    private sealed class SpecificityComparer : IComparer<Endpoint>
    {
        public int Compare(Endpoint? x, Endpoint? y) => Specificity(y).CompareTo(Specificity(x));

        private static int Specificity(Endpoint? endpoint) =>
            endpoint?.Metadata.GetMetadata<RouteModel>() is { } route ? RouteDestination.Of(route).Specificity : -1;
    }
}
