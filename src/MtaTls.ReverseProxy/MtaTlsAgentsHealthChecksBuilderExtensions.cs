using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.ReverseProxy.Agents;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of a gateway's agents.</summary>
public static class MtaTlsAgentsHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that fails as soon as the gateway begins to stop, so that a load balancer sends agents and clients to other gateways. Its data are the number of registrations and how many of them are draining.
    /// It needs <c>AddMtaTlsAgents()</c>.
    /// </summary>
    /// <param name="builder">The health checks builder.</param>
    /// <param name="name">The check's name. Default: <c>mtatls-agents</c>.</param>
    /// <param name="failureStatus">The status that is reported for a failure. Default: null, <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to filter checks by. Default: none.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IHealthChecksBuilder AddMtaTlsAgents(this IHealthChecksBuilder builder, string name = "mtatls-agents", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<AgentsHealthCheck>(name, failureStatus, tags ?? []);
    }
}
