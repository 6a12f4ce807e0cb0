using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.ReverseProxy.Agents;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of a gateway's agents.</summary>
public static class MtaTlsAgentsHealthChecksBuilderExtensions
{
    /// <summary>Adds a check that fails from the moment that the gateway stops, so that a load balancer sends agents and clients elsewhere. Its data: registrations, and how many of them are draining. It needs <c>AddMtaTlsAgents()</c>.</summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The check's name; default <c>mtatls-agents</c>.</param>
    /// <param name="failureStatus">What a failure is reported as; default <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to select the check by.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddMtaTlsAgents(this IHealthChecksBuilder builder, string name = "mtatls-agents", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<AgentsHealthCheck>(name, failureStatus, tags ?? []);
    }
}
