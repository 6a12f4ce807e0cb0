using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.ReverseProxy.Redis.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of the directory that gateways share.</summary>
public static class MtaTlsRedisHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that is degraded while Redis can't be reached. The gateway then still serves its own agents, and known agents of other gateways for <c>MtaTls:Cluster:MaxStale</c>. The check fails if another gateway
    /// has this gateway's name. It needs <c>UseRedisDirectory(...)</c>.
    /// </summary>
    /// <param name="builder">The health checks builder.</param>
    /// <param name="name">The check's name. Default: <c>mtatls-directory</c>.</param>
    /// <param name="failureStatus">The status that is reported for a failure. Default: null, <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to filter checks by. Default: none.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IHealthChecksBuilder AddMtaTlsRedisDirectory(this IHealthChecksBuilder builder, string name = "mtatls-directory", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<RedisDirectoryHealthCheck>(name, failureStatus, tags ?? []);
    }
}
