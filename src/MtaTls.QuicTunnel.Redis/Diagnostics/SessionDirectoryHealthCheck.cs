using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.QuicTunnel.Redis.Directory;

namespace MtaTls.QuicTunnel.Redis.Diagnostics;

/// <summary>Healthy while the concentrator's lease is renewed.</summary>
internal sealed class SessionDirectoryHealthCheck(RedisSessionDirectory directory) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        directory.IsNameTaken ? new HealthCheckResult(context.Registration.FailureStatus, "Another concentrator has this one's name.")
        : directory.IsReached ? HealthCheckResult.Healthy($"Epoch {directory.Epoch}.")
        : HealthCheckResult.Degraded("Redis can't be reached; sessions of this concentrator go on."));
}
