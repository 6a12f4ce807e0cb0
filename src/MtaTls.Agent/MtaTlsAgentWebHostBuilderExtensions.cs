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

/// <summary>Makes an app an agent, which is served through gateways.</summary>
public static class MtaTlsAgentWebHostBuilderExtensions
{
    /// <summary>
    /// Serves the app through the gateways in the configuration section <c>MtaTlsAgent</c>. The app connects to them and opens no port, unless <see cref="MtaTlsAgentOptions.ServeLocally"/> is true. It needs
    /// Kestrel; with other servers (TestServer) it does nothing.
    /// </summary>
    /// <param name="builder">The web host, <c>builder.WebHost</c> of a WebApplicationBuilder.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IWebHostBuilder UseMtaTlsAgent(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(static services => AddMtaTlsAgent(services));
    }

    /// <summary>Serves the app through gateways. The callback overrides the configuration section <c>MtaTlsAgent</c>.</summary>
    /// <param name="builder">The web host, <c>builder.WebHost</c> of a WebApplicationBuilder.</param>
    /// <param name="configure">Changes the options after they were read from the configuration.</param>
    /// <returns><paramref name="builder"/>.</returns>
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
        // Kestrel adds its own transport only if there is no other one, so it is added here. Of the transports that can bind an endpoint the last one is used.
        services.TryAddSingleton<IConnectionListenerFactory, SocketTransportFactory>();
        services.AddSingleton<IConnectionListenerFactory, AgentTransportFactory>();
    }
}
