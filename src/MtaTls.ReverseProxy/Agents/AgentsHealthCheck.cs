using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Healthy while agents may register.</summary>
internal sealed class AgentsHealthCheck(AgentRegistry registry) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        Dictionary<string, object> data = new() { ["registrations"] = registry.Count, ["draining"] = registry.All.Count(static r => r.IsDraining) };
        return Task.FromResult(registry.IsStopping
            ? new HealthCheckResult(context.Registration.FailureStatus, "The gateway is stopping; its agents move to other gateways.", data: data)
            : HealthCheckResult.Healthy($"{registry.Count} agents are registered.", data));
    }
}
