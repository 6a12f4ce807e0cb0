using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.Agent.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of an agent.</summary>
public static class MtaTlsAgentHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that is healthy while all sessions are registered with a gateway, and degraded while only some are. With none it fails. Its data show each session's gateway, or why the session has none. It
    /// needs <c>builder.WebHost.UseMtaTlsAgent()</c>.
    /// </summary>
    /// <param name="builder">The health checks builder.</param>
    /// <param name="name">The check's name. Default: <c>mtatls-agent</c>.</param>
    /// <param name="failureStatus">The status that is reported for a failure. Default: null, <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to filter checks by. Default: none.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IHealthChecksBuilder AddMtaTlsAgent(this IHealthChecksBuilder builder, string name = "mtatls-agent", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<MtaTlsAgentHealthCheck>(name, failureStatus, tags ?? []);
    }
}
