using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Acme;
using MtaTls.AspNetCore.Certificates;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.AspNetCore.Routing;
using MtaTls.AspNetCore.Transport;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Adds MTA-TLS to Kestrel.</summary>
public static class MtaTlsWebHostBuilderExtensions
{
    /// <summary>
    /// Lets the HTTPS endpoints of Kestrel also speak MTA-TLS, with the options of the configuration section <c>MtaTls</c>. Clients that offer the
    /// TLS extension <c>data_multiplexing</c> (draft-badra-tls-multiplexing-01) open many channels in one TLS session, and each channel serves HTTP like a
    /// connection. Other clients get ordinary HTTPS. Does nothing under other servers (TestServer, HTTP.sys, IIS).
    /// </summary>
    /// <param name="builder">The web host, <c>builder.WebHost</c> of a WebApplicationBuilder.</param>
    /// <returns>The web host.</returns>
    public static IWebHostBuilder UseMtaTls(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(static services => services.AddMtaTlsCore());
    }

    /// <summary>Lets the HTTPS endpoints of Kestrel also speak MTA-TLS. The callback overrides the configuration section <c>MtaTls</c>.</summary>
    /// <param name="builder">The web host, <c>builder.WebHost</c> of a WebApplicationBuilder.</param>
    /// <param name="configure">Sets options.</param>
    /// <returns>The web host.</returns>
    public static IWebHostBuilder UseMtaTls(this IWebHostBuilder builder, Action<MtaTlsOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        return builder.ConfigureServices(services => services.AddMtaTlsCore().Configure(configure));
    }

    internal static IServiceCollection AddMtaTlsCore(this IServiceCollection services)
    {
        services.AddMtaTlsOptions();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<KestrelServerOptions>, KestrelEndpoints>());
        services.TryAddSingleton<StartupFailure>();
        services.TryAddSingleton<KestrelOptionsAccessor>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, StartupFailureService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, EndpointReview>());
        services.TryAddSingleton<ServerShutdown>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ServerShutdown>(static s => s.GetRequiredService<ServerShutdown>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, AcmeChallengeStartupFilter>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, HostMatchingStartupFilter>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, DrainingStartupFilter>());
        services.TryAddSingleton<ChannelDispatcher>();
        services.TryAddSingleton<ServerSessions>();
        services.TryAddSingleton<IMtaTlsSessions>(static s => s.GetRequiredService<ServerSessions>());
        services.TryAddSingleton<TcpForwarder>();
        services.TryAddSingleton<IHostResolver, SystemHostResolver>();
        services.TryAddSingleton<ServerAddresses>();
        services.TryAddSingleton<MtaTlsMetrics>();
        services.TryAddSingleton<LimitReports>();
        services.TryAddSingleton<MtaTlsServer>();
        services.TryAddSingleton<IMtaTlsServerStatus, ServerStatus>();
        services.AddMtaTlsTransport();
        return services;
    }

    /// <summary>Adds the transport with which sessions read and write their sockets themselves. Only if the application uses Kestrel's socket transport.</summary>
    private static void AddMtaTlsTransport(this IServiceCollection services)
    {
        // Kestrel adds its transport only if none is registered, so adding it first keeps it.
        services.TryAddSingleton<IConnectionListenerFactory, SocketTransportFactory>();
        if (services.All(static s => s.ServiceType != typeof(IConnectionListenerFactory) || s.ImplementationType == typeof(SocketTransportFactory)))
        {
            services.TryAddSingleton<DirectEndPoints>();
            services.AddSingleton<IConnectionListenerFactory, MtaTlsTransportFactory>();
        }
    }

    /// <summary>Adds the options and the services that they configure, without those that make Kestrel speak MTA-TLS.</summary>
    internal static IServiceCollection AddMtaTlsOptions(this IServiceCollection services)
    {
        // TryAddEnumerable, because this method may be called several times: a second reading of the configuration would overwrite the values of callbacks.
        services.AddOptions();
        services.AddMetrics();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<MtaTlsOptions>, ConfigureMtaTlsOptions>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MtaTlsOptions>, ValidateMtaTlsOptions>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MtaTlsOptions>, ValidateRouting>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<EndpointCertificates>();
        services.TryAddSingleton<CurrentSettings>();
        services.TryAddSingleton<HostMatching>();
        services.TryAddSingleton<RoutingMetrics>();
        return services;
    }
}
