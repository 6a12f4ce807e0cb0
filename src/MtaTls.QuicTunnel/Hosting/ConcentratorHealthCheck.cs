using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.QuicTunnel.Concentrator;

namespace MtaTls.QuicTunnel.Hosting;

/// <summary>Healthy while the concentrator runs, degraded if it has its maximum number of sessions. Unhealthy if it does not run or the packet interface failed.</summary>
internal sealed class ConcentratorHealthCheck(TunnelConcentrator concentrator) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        int sessions = concentrator.Registry.Count;
        var data = new Dictionary<string, object> { ["sessions"] = sessions };
        if (!concentrator.IsRunning)
        {
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, "The concentrator is not running.", data: data));
        }

        if (concentrator.Interface.Failure is { } failure)
        {
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, failure, data: data));
        }

        int most = concentrator.Options.Sessions.MaxSessions;
        return Task.FromResult(sessions < most
            ? HealthCheckResult.Healthy($"{sessions} sessions.", data)
            : HealthCheckResult.Degraded($"The maximum of {most} sessions (MaxSessions) is reached.", data: data));
    }
}
