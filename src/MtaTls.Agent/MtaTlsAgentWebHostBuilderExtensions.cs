using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using MtaTls.Agent;
using MtaTls.Agent.Configuration;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agent.Links;
using MtaTls.Agent.Transport;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Serves an app through a gateway.</summary>
public static class MtaTlsAgentWebHostBuilderExtensions
{
    /// <summary>
    /// Serves the app through gateways, as the section <c>MtaTlsAgent</c> of the configuration says: the app connects to them and opens no port, unless
    /// <see cref="MtaTlsAgentOptions.ServeLocally"/> is true. Needs Kestrel; under other servers (TestServer) it does nothing.
    /// </summary>
    /// <param name="builder">The web host, <c>builder.WebHost</c> of a WebApplicationBuilder.</param>
    /// <returns>The web host.</returns>
    public static IWebHostBuilder UseMtaTlsAgent(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(static services => AddMtaTlsAgent(services));
    }

    /// <summary>Serves the app through gateways. What the callback sets goes before the configuration.</summary>
    /// <param name="builder">The web host, <c>builder.WebHost</c> of a WebApplicationBuilder.</param>
    /// <param name="configure">Sets options.</param>
    /// <returns>The web host.</returns>
    public static IWebHostBuilder UseMtaTlsAgent(this IWebHostBuilder builder, Action<MtaTlsAgentOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        return builder.ConfigureServices(services =>
        {
            AddMtaTlsAgent(services);
            services.Configure(configure);
        });
    }

    private static void AddMtaTlsAgent(IServiceCollection services)
    {
        services.AddOptions<MtaTlsAgentOptions>().ValidateOnStart();
        services.AddMetrics();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<MtaTlsAgentOptions>, ConfigureAgentOptions>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MtaTlsAgentOptions>, ValidateAgentOptions>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<AgentPlanFactory>();
        services.TryAddSingleton<AgentMetrics>();
        if (services.Any(static s => s.ServiceType == typeof(AgentRuntime)))
        {
            return;
        }

        services.AddSingleton<AgentRuntime>();
        services.AddSingleton<IMtaTlsAgentSessions, AgentSessions>();
        services.AddTransient<IStartupFilter, AgentEndpoints>();
        // Kestrel adds its own transport only where there is none; the last one that can bind an endpoint gets it.
        services.TryAddSingleton<IConnectionListenerFactory, SocketTransportFactory>();
        services.AddSingleton<IConnectionListenerFactory, AgentTransportFactory>();
    }
}
