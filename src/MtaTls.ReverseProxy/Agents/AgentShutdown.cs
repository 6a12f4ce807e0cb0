using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Connections;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Before the server stops, its agents go elsewhere; until then everything is still served.</summary>
internal sealed class AgentShutdown(AgentRegistry registry, IServiceProvider services, ReverseProxySettings settings, TimeProvider time, ILoggerFactory loggers) : IHostedLifecycleService
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        TimeSpan deadline = registry.Count == 0 ? TimeSpan.Zero : settings.Current.Agents.Options.DrainTimeout;
        // Others choose this gateway no more, before its agents begin to go.
        if (services.GetService<INodeDirectory>() is { } nodes)
        {
            await nodes.AnnounceDrainAsync(cancellationToken);
        }

        // The health check turns unhealthy, and sessions of others hear of it, before this waits.
        ServerShutdown? server = services.GetService<ServerShutdown>();
        server?.Begin(deadline);
        registry.Stop(deadline);
        if (registry.Count == 0)
        {
            return;
        }

        loggers.CreateLogger(AgentLog.Category).AgentsLeaving(registry.Count, deadline.TotalSeconds);
        long begin = time.GetTimestamp();
        while (registry.Count > 0 && time.GetElapsedTime(begin) < deadline && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(s_look, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (AgentRegistration registration in registry.All)
        {
            registry.End(registration, "the gateway stops");
        }

        server?.EndLeast();
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
