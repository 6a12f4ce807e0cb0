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
/// Limits YARP routes with the metadata <see cref="MtaTlsMetadata.Destination"/> to requests of channels with that destination. It answers 421 if the request names a different host than its channel, and 502
/// if no destination of the cluster matches the channel.
/// </summary>
internal sealed class DestinationMatcherPolicy(HostMatching hostMatching, ILogger<DestinationMatcherPolicy> logger) : MatcherPolicy, IEndpointSelectorPolicy, IEndpointComparerPolicy
{
    private static readonly ConditionalWeakTable<RouteModel, RouteDestination> s_destinations = [];
    private readonly Endpoint _misdirected = new(hostMatching.RejectAsync, EndpointMetadataCollection.Empty, "421 Misdirected Request");

    /// <summary>Runs after YARP's own policies for headers and query parameters, so that this policy does not answer for routes that they rule out.</summary>
    public override int Order => -10;

    public IComparer<Endpoint> Comparer { get; } = new SpecificityComparer();

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints)
    {
        // A cluster's load-balancing policy can change while its endpoint stays the same, so ApplyAsync looks at it for each request.
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

    /// <summary>The destination pattern of a route, parsed once.</summary>
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

        /// <summary>Whether the route is for the channel. A pattern that can't be parsed matches nothing; loading the configuration reports it.</summary>
        public bool IsFor(ChannelTarget? target) => !Exists || (_pattern is not null && target is not null && target.Matches(_pattern));
    }

    /// <summary>Of two routes that are otherwise equal, the more specific destination comes first.</summary>
    private sealed class SpecificityComparer : IComparer<Endpoint>
    {
        public int Compare(Endpoint? x, Endpoint? y) => Specificity(y).CompareTo(Specificity(x));

        private static int Specificity(Endpoint? endpoint) =>
            endpoint?.Metadata.GetMetadata<RouteModel>() is { } route ? RouteDestination.Of(route).Specificity : -1;
    }
}
