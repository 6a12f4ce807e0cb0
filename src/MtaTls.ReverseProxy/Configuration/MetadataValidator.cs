using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Client;
using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Configuration;

/// <summary>Checks this package's metadata when YARP loads its configuration. As part of YARP's validation it reports all errors together, and after an invalid reload YARP keeps the old configuration.</summary>
internal sealed class MetadataValidator : ITransformProvider
{
    public void ValidateRoute(TransformRouteValidationContext context)
    {
        if (Error(context.Route.Metadata) is { } error)
        {
            context.Errors.Add(new ArgumentException($"Route '{context.Route.RouteId}': metadata {MtaTlsMetadata.Destination}: {error}."));
        }
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
        ClusterConfig cluster = context.Cluster;
        IReadOnlyDictionary<string, DestinationConfig> destinations = cluster.Destinations ?? new Dictionary<string, DestinationConfig>();
        foreach ((string id, DestinationConfig destination) in destinations)
        {
            if (Error(destination.Metadata) is { } error)
            {
                Add($"destination '{id}': metadata {MtaTlsMetadata.Destination}: {error}");
            }
        }

        if (cluster.Metadata?.TryGetValue(MtaTlsMetadata.Gateway, out string? gateway) is not true)
        {
            if (cluster.Metadata?.ContainsKey(MtaTlsMetadata.TargetHost) is true)
            {
                Add($"metadata {MtaTlsMetadata.TargetHost} needs metadata {MtaTlsMetadata.Gateway}");
            }

            return;
        }

        if (!HasChannels(context.Services.GetService<IForwarderHttpClientFactory>()))
        {
            Add($"metadata {MtaTlsMetadata.Gateway} needs AddMtaTlsHttpClient(). Without it YARP would connect to the destinations directly");
        }

        if (!GatewayMetadata.TryParse(gateway, out _))
        {
            Add($"metadata {MtaTlsMetadata.Gateway}: '{gateway}' is not 'https://host:port'");
        }

        if (cluster.HttpClient?.WebProxy?.Address is not null)
        {
            Add($"HttpClient:WebProxy does not apply to a cluster with {MtaTlsMetadata.Gateway}, because its connections are channels. To reach the gateway through a proxy, set MtaTlsClientOptions.ConnectCallback in AddMtaTlsHttpClient(...)");
        }

        foreach ((string id, DestinationConfig destination) in destinations)
        {
            if (destination.Address?.StartsWith("https://", StringComparison.OrdinalIgnoreCase) is false)
            {
                Add($"destination '{id}': '{destination.Address}' must begin with https://, because channels through a gateway are inside TLS");
            }
        }

        void Add(string error) => context.Errors.Add(new ArgumentException($"Cluster '{cluster.ClusterId}': {error}."));
    }

    public void Apply(TransformBuilderContext context)
    {
    }

    private static bool HasChannels(IForwarderHttpClientFactory? factory) => factory is ClusterHttpClientFactory || (factory is ClusterClientFactory { Inner: { } inner } && HasChannels(inner));

    private static string? Error(IReadOnlyDictionary<string, string>? metadata) =>
        metadata?.TryGetValue(MtaTlsMetadata.Destination, out string? text) is true && !DestinationPattern.TryParse(text, out _, out string? error) ? error : null;
}
