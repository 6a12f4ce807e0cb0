using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.ReverseProxy.Redis.Directory;

namespace MtaTls.ReverseProxy.Redis.Diagnostics;

/// <summary>Healthy while this gateway renews its lease.</summary>
internal sealed class RedisDirectoryHealthCheck(RedisDirectory directory) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        LeaseState lease = directory.Lease;
        Dictionary<string, object> data = new() { ["node"] = lease.Node, ["epoch"] = lease.Epoch, ["leaseAge"] = lease.Age.TotalSeconds, ["nodes"] = directory.ListNodes().Count };
        return Task.FromResult(lease switch
        {
            { IsNameTaken: true } => new HealthCheckResult(context.Registration.FailureStatus, $"Another gateway has the name {lease.Node} (MtaTls:Cluster:Node).", data: data),
            { IsReached: false } => HealthCheckResult.Degraded("Redis can't be reached. The gateway still serves its own agents.", data: data),
            _ => HealthCheckResult.Healthy($"The cluster has {directory.ListNodes().Count} gateways.", data),
        });
    }
}
