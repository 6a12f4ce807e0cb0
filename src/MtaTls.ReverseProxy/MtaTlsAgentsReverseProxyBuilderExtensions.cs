using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Diagnostics;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.ServiceDiscovery;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds agents (reverse tunnels) to YARP.</summary>
public static class MtaTlsAgentsReverseProxyBuilderExtensions
{
    /// <summary>
    /// Makes this application a gateway for agents, apps that open no port. Agents register at the endpoint of <c>MapMtaTlsAgents()</c>. A destination with the metadata
    /// <see cref="MtaTls.ReverseProxy.MtaTlsMetadata.Agent"/> stands for all agents with that name. Settings: <c>MtaTls:Agents</c>. Call it after other methods that add a destination resolver or an HTTP client
    /// factory.
    /// </summary>
    /// <param name="builder">YARP, as <c>AddReverseProxy()</c> returns it.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IReverseProxyBuilder AddMtaTlsAgents(this IReverseProxyBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        if (services.Any(static s => s.ServiceType == typeof(AgentRegistry)))
        {
            return builder;
        }

        services.AddMtaTlsForwarder();
        builder.AddMtaTlsMetadata();
        services.TryAddSingleton<IAgentDirectory, InMemoryAgentDirectory>();
        services.AddSingleton<AgentRegistry>();
        services.TryAddSingleton<IAgentConnector>(static s => s.GetRequiredService<AgentRegistry>());
        services.AddSingleton<IMtaTlsAgents, RegisteredAgents>();
        services.AddSingleton<AgentMetrics>();
        services.AddSingleton<AgentMembers>();
        services.AddSingleton<AgentSelector>();
        services.AddSingleton<AgentHealth>();
        services.AddSingleton<AgentEndpoints>();
        services.AddSingleton<AgentHttpClientFactory>();
        services.AddSingleton<AgentForwarder>();
        services.AddSingleton<AgentPublicUrls>();
        services.AddSingleton<IAgentChannels, AgentChannels>();
        services.AddSingleton<IHostedService, AgentShutdown>();
        services.AddSingleton<IProxyConfigFilter, AgentClusterFilter>();
        services.AddSingleton<IPassiveHealthCheckPolicy, AgentPassivePolicy>();
        services.AddSingleton<ITransformProvider, AgentTransforms>();

        ServiceDescriptor? resolver = services.LastOrDefault(static s => s.ServiceType == typeof(IDestinationResolver));
        services.AddSingleton<IDestinationResolver>(s => new AgentDestinationResolver(
            Create<IDestinationResolver>(resolver, s), s.GetRequiredService<AgentMembers>(), s.GetRequiredService<AgentHealth>(), s.GetRequiredService<IConfiguration>(), s.GetRequiredService<TimeProvider>()));
        ServiceDescriptor? clients = services.LastOrDefault(static s => s.ServiceType == typeof(IForwarderHttpClientFactory));
        services.AddSingleton<IForwarderHttpClientFactory>(s => new ClusterClientFactory(
            Create<IForwarderHttpClientFactory>(clients, s) ?? ActivatorUtilities.CreateInstance<ForwarderHttpClientFactory>(s), s.GetRequiredService<AgentHttpClientFactory>()));
        return builder;
    }

    private static T? Create<T>(ServiceDescriptor? descriptor, IServiceProvider services)
        where T : class
        => descriptor switch
        {
            { ImplementationInstance: T instance } => instance,
            { ImplementationFactory: { } factory } => (T)factory(services),
            { ImplementationType: { } type } => (T)ActivatorUtilities.CreateInstance(services, type),
            _ => null,
        };
}
