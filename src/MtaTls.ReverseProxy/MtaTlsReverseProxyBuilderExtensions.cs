using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.ReverseProxy;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Forwarder;
using MtaTls.ReverseProxy.Routing;
using MtaTls.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds MTA-TLS to YARP.</summary>
public static class MtaTlsReverseProxyBuilderExtensions
{
    /// <summary>
    /// Lets YARP go by the destination that a channel names (destination_address_machine and destination_port, section 3 of the draft): routes with the metadata <see cref="MtaTlsMetadata.Destination"/>,
    /// the load-balancing policy and the transform <c>MtaTlsDestination</c>, and the claimed source in forwarding headers where <c>MtaTls:TrustedPeers</c> allows it.
    /// </summary>
    /// <param name="builder">YARP, as <c>AddReverseProxy()</c> returns it.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IReverseProxyBuilder AddMtaTlsRouting(this IReverseProxyBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddMtaTlsForwarder();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, DestinationMatcherPolicy>());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ILoadBalancingPolicy, DestinationLoadBalancingPolicy>());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ITransformFactory, DestinationTransformFactory>());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ITransformProvider, MtaTlsTransformProvider>());
        builder.AddMetadataFilter();
        return builder;
    }

    /// <summary>
    /// Adds what <c>MapMtaTlsForwarder()</c> needs, for forwarding by the table <c>MtaTls:Destinations</c> without YARP's routes and clusters. Not needed beside
    /// <see cref="AddMtaTlsRouting"/>.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddMtaTlsForwarder(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddHttpForwarder();
        services.AddMtaTlsOptions();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<MtaTlsReverseProxyOptions>, ConfigureReverseProxy>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MtaTlsReverseProxyOptions>, ValidateReverseProxy>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MtaTlsOptions>, ValidateReverseProxy>());
        services.TryAddSingleton<ReverseProxySettings>();
        services.TryAddSingleton<TrustedPeers>();
        services.TryAddSingleton<MtaTlsHttpTransformer>();
        services.TryAddSingleton<DestinationForwarder>();
        return services;
    }

    /// <summary>Metadata with colons has to be looked up again, whichever of our parts reads it. YARP runs each registration of a filter, so one is enough.</summary>
    internal static void AddMetadataFilter(this IReverseProxyBuilder builder) =>
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IProxyConfigFilter, NestedMetadataFilter>());
}
