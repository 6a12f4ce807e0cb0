using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MtaTls.QuicTunnel.Hosting;

/// <summary>Healthy if all paths work, degraded if only some do. Unhealthy without a working path, or if the packet interface or the addresses have a problem.</summary>
internal sealed class ClientHealthCheck(QuicTunnelClient client) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (client.Tunnel.Interface.Failure is { } failure)
        {
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, failure));
        }

        if (client.Tunnel.Agreement.Problem is { } problem)
        {
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, problem));
        }

        int wanted = Math.Max(1, client.Options.LocalAddresses.Count);
        int active = client.Paths.Count(path => path.State == TunnelPathState.Active);
        string description = $"{active} of {wanted} paths work.";
        var data = new Dictionary<string, object> { ["paths"] = active };
        return Task.FromResult(active switch
        {
            0 => new HealthCheckResult(context.Registration.FailureStatus, description, data: data),
            _ when active < wanted => HealthCheckResult.Degraded(description, data: data),
            _ => HealthCheckResult.Healthy(description, data),
        });
    }
}
