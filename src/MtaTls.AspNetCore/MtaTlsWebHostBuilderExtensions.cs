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
    /// Lets every HTTPS endpoint of Kestrel also speak MTA-TLS, as the section <c>MtaTls</c> of the configuration says: clients that offer the
    /// TLS extension <c>data_multiplexing</c> (draft-badra-tls-multiplexing-01) open many channels in one TLS session, and each serves HTTP like a
    /// connection. Other clients are served as before. Does nothing under other servers (TestServer, HTTP.sys, IIS).
    /// </summary>
    /// <param name="builder">The web host, <c>builder.WebHost</c> of a WebApplicationBuilder.</param>
    /// <returns>The web host.</returns>
    public static IWebHostBuilder UseMtaTls(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(static services => services.AddMtaTlsCore());
    }

    /// <summary>Lets every HTTPS endpoint of Kestrel also speak MTA-TLS. What the callback sets goes before the configuration.</summary>
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

    /// <summary>Sessions read and write their sockets themselves where the application's transport is Kestrel's own.</summary>
    private static void AddMtaTlsTransport(this IServiceCollection services)
    {
        // Kestrel adds its transport only where there is none.
        services.TryAddSingleton<IConnectionListenerFactory, SocketTransportFactory>();
        if (services.All(static s => s.ServiceType != typeof(IConnectionListenerFactory) || s.ImplementationType == typeof(SocketTransportFactory)))
        {
            services.TryAddSingleton<DirectEndPoints>();
            services.AddSingleton<IConnectionListenerFactory, MtaTlsTransportFactory>();
        }
    }

    /// <summary>The options and what is decided by them, without anything that makes Kestrel speak MTA-TLS.</summary>
    internal static IServiceCollection AddMtaTlsOptions(this IServiceCollection services)
    {
        // Once, however often it is called: options that read the configuration again would forget what a callback has set.
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
