using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.AspNetCore.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of MTA-TLS.</summary>
public static class MtaTlsHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check of MTA-TLS. It fails without OpenSSL 3, and as soon as the server begins to stop. It is degraded while no endpoint speaks MTA-TLS, and while more than
    /// nine tenths of <c>MtaTls:Limits:ServerReceiveBudget</c> are used. Otherwise it is healthy. Its data contains the version of OpenSSL, the numbers of endpoints, sessions and
    /// channels, and the size and use of both budgets. It needs <c>builder.WebHost.UseMtaTls()</c>.
    /// </summary>
    /// <param name="builder">The health checks builder.</param>
    /// <param name="name">The check's name; default <c>mtatls</c>.</param>
    /// <param name="failureStatus">The status that a failure is reported as; default <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">The tags of the check, by which applications select checks; default none.</param>
    /// <returns>The same builder.</returns>
    public static IHealthChecksBuilder AddMtaTls(this IHealthChecksBuilder builder, string name = "mtatls", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<MtaTlsHealthCheck>(name, failureStatus, tags ?? []);
    }
}
