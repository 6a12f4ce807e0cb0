using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.Agent.Links;

namespace MtaTls.Agent.Diagnostics;

/// <summary>Healthy while every session is registered, degraded while only some are. With none it reports the failure status.</summary>
internal sealed class MtaTlsAgentHealthCheck(AgentRuntime runtime) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<AgentSlot> slots = runtime.Slots;
        int registered = 0;
        Dictionary<string, object> data = [];
        for (int i = 0; i < slots.Count; i++)
        {
            GatewayLink? link = slots[i].Current;
            registered += link is null ? 0 : 1;
            data[$"session{i}"] = link is null ? slots[i].LastFailure?.Message ?? "connecting" : $"{link.Gateway} ({string.Join(", ", link.Granted)})";
        }

        string text = $"{registered} of {slots.Count} sessions are registered with a gateway.";
        HealthStatus status = registered == slots.Count && registered > 0 ? HealthStatus.Healthy : registered > 0 ? HealthStatus.Degraded : context.Registration.FailureStatus;
        return Task.FromResult(new HealthCheckResult(status, text, data: data));
    }
}
