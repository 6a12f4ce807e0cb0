using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.Agent.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of an agent.</summary>
public static class MtaTlsAgentHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that is healthy while all sessions are registered with a gateway and degraded while some are; with none it fails. Its data names each session's gateway, or why there is none. It needs
    /// <c>builder.WebHost.UseMtaTlsAgent()</c>.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The check's name; default <c>mtatls-agent</c>.</param>
    /// <param name="failureStatus">What a failure is reported as; default <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to select the check by.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddMtaTlsAgent(this IHealthChecksBuilder builder, string name = "mtatls-agent", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<MtaTlsAgentHealthCheck>(name, failureStatus, tags ?? []);
    }
}
