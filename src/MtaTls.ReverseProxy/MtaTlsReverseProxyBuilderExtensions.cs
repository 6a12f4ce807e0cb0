using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.Client.Configuration;
using MtaTls.ReverseProxy;
using MtaTls.ReverseProxy.Client;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Forwarder;
using MtaTls.ReverseProxy.Routing;
using MtaTls.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds MTA-TLS to YARP.</summary>
public static class MtaTlsReverseProxyBuilderExtensions
{
    /// <summary>
    /// Lets YARP use the destination of a channel (destination_address_machine and destination_port, section 2.1.1 of the draft). It adds routes with the metadata <see cref="MtaTlsMetadata.Destination"/>, the
    /// load-balancing policy and the transform <c>MtaTlsDestination</c>, and the claimed source in forwarding headers for <c>MtaTls:TrustedPeers</c>.
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
        builder.AddMtaTlsMetadata();
        return builder;
    }

    /// <summary>
    /// Lets clusters with the metadata <see cref="MtaTlsMetadata.Gateway"/> reach their destinations through MTA-TLS channels of another gateway. All connections to one gateway share its TLS sessions. Other clusters
    /// do not change.
    /// </summary>
    /// <remarks>
    /// The cluster's destinations have <c>https://</c> addresses, whose host and port become the channels' destination. The certificate is the gateway's, and is verified against the gateway's name
    /// (<see cref="MtaTlsMetadata.TargetHost"/>).
    /// </remarks>
    /// <param name="builder">YARP, as <c>AddReverseProxy()</c> returns it.</param>
    /// <param name="configure">Changes the options of a cluster's client. It is called after the section <c>MtaTlsClient</c> and the cluster's own configuration were applied.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IReverseProxyBuilder AddMtaTlsHttpClient(this IReverseProxyBuilder builder, Action<ForwarderHttpClientContext, MtaTlsClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddMtaTlsMetadata();
        ServiceDescriptor? before = builder.Services.LastOrDefault(s => s.ServiceType == typeof(IForwarderHttpClientFactory));
        builder.Services.AddSingleton<IForwarderHttpClientFactory>(services => new ClusterHttpClientFactory(
            Create(before, services),
            new ChannelHttpClientFactory(
                services.GetRequiredService<IConfiguration>(), MtaTlsClientConfiguration.ContentRoot(services), services.GetRequiredService<ILoggerFactory>(), configure)));
        return builder;
    }

    /// <summary>
    /// Adds the services of <c>MapMtaTlsForwarder()</c>, which forwards by the table <c>MtaTls:Destinations</c> without YARP's routes and clusters. <see cref="AddMtaTlsRouting"/> adds them too.
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
        services.TryAddSingleton<IForwarderHttpClientFactory, ForwarderHttpClientFactory>();
        services.TryAddSingleton<ReverseProxySettings>();
        services.TryAddSingleton<TrustedPeers>();
        services.TryAddSingleton<ClientCertificateForwarding>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITransformFactory, ClientCertificateTransformFactory>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITransformProvider, ClientCertificateTransformProvider>());
        services.TryAddSingleton<MtaTlsHttpTransformer>();
        services.TryAddSingleton<DestinationForwarder>();
        return services;
    }

    private static IForwarderHttpClientFactory Create(ServiceDescriptor? descriptor, IServiceProvider services) => descriptor switch
    {
        { ImplementationInstance: IForwarderHttpClientFactory instance } => instance,
        { ImplementationFactory: { } factory } => (IForwarderHttpClientFactory)factory(services),
        { ImplementationType: { } type } => (IForwarderHttpClientFactory)ActivatorUtilities.CreateInstance(services, type),
        _ => ActivatorUtilities.CreateInstance<ForwarderHttpClientFactory>(services),
    };

    /// <summary>Adds reading and checking of the metadata, which every feature needs.</summary>
    internal static void AddMtaTlsMetadata(this IReverseProxyBuilder builder)
    {
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IProxyConfigFilter, NestedMetadataFilter>());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ITransformProvider, MetadataValidator>());
    }
}
