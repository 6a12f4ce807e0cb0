using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.ReverseProxy.Redis.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of the directory that gateways share.</summary>
public static class MtaTlsRedisHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that is degraded while Redis can't be reached: this gateway's own agents are served, and known agents of others for <c>MtaTls:Cluster:MaxStale</c>. It fails where another gateway has
    /// this one's name. It needs <c>UseRedisDirectory(...)</c>.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The check's name; default <c>mtatls-directory</c>.</param>
    /// <param name="failureStatus">What a failure is reported as; default <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to select the check by.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddMtaTlsRedisDirectory(this IHealthChecksBuilder builder, string name = "mtatls-directory", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<RedisDirectoryHealthCheck>(name, failureStatus, tags ?? []);
    }
}
