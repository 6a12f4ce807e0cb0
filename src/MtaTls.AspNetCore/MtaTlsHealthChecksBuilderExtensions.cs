using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.AspNetCore.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of MTA-TLS.</summary>
public static class MtaTlsHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that is healthy while OpenSSL 3 works, at least one endpoint speaks MTA-TLS and the server's receive budget is not nearly used
    /// up, else degraded; without OpenSSL 3, and from the moment on that the server begins to stop, it fails. Its data: sessions, channels, endpoints and the budget. It needs <c>builder.WebHost.UseMtaTls()</c>.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The check's name; default <c>mtatls</c>.</param>
    /// <param name="failureStatus">What a failure is reported as; default <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to select the check by.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddMtaTls(this IHealthChecksBuilder builder, string name = "mtatls", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<MtaTlsHealthCheck>(name, failureStatus, tags ?? []);
    }
}
