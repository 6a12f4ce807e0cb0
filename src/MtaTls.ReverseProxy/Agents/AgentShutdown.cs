using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Connections;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Before the server stops, its agents move to other gateways. Until then the gateway still serves everything.</summary>
internal sealed class AgentShutdown(AgentRegistry registry, IServiceProvider services, ReverseProxySettings settings, TimeProvider time, ILoggerFactory loggers) : IHostedLifecycleService
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        TimeSpan deadline = Deadline();
        // Other gateways must stop choosing this one before its agents begin to leave.
        if (services.GetService<INodeDirectory>() is { } nodes)
        {
            await nodes.AnnounceDrainAsync(cancellationToken);
        }

        // The health check must turn unhealthy, and the other sessions must be told, before the wait for agents.
        ServerShutdown? server = services.GetService<ServerShutdown>();
        server?.Begin();
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

        // The end of a registration tells the agent that all requests have reached it, so it closes its idle connections then.
        AgentRegistration[] left = [.. registry.All];
        await Task.WhenAll(left.Select(r => registry.DrainAsync(r, time))).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (AgentRegistration registration in left)
        {
            registry.End(registration, "the gateway stops");
        }

        server?.EndLeast();
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // The go-away, which is sent first of all, must give agents the time to announce that they leave.
        services.GetService<ServerShutdown>()?.Least = Deadline;
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>How long agents have to leave; zero if there are none.</summary>
    private TimeSpan Deadline() => registry.Count == 0 ? TimeSpan.Zero : settings.Current.Agents.Options.DrainTimeout;
}
