using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.AspNetCore.Connections;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>Healthy if OpenSSL 3 was found, an endpoint speaks MTA-TLS, less than nine tenths of the receive budget are used and the server is not stopping.</summary>
internal sealed class MtaTlsHealthCheck(MtaTlsServer server) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!TlsEngine.IsSupported)
        {
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, "OpenSSL 3 was not found: no endpoint speaks MTA-TLS."));
        }

        Dictionary<string, object> data = new()
        {
            ["openssl"] = TlsEngine.Version ?? "",
            ["endpoints"] = server.Endpoints,
            ["sessions"] = server.Metrics.ActiveSessions,
            ["channels"] = server.Metrics.ActiveChannels,
            ["receiveBudget"] = server.ReceiveBudget.Size,
            ["receiveBudgetReserved"] = server.ReceiveBudget.Reserved,
            ["sendBudget"] = server.SendBudget.Size,
            ["sendBudgetUsed"] = server.SendBudget.Used,
        };
        if (server.Shutdown.IsStopping)
        {
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, "The server is stopping.", data: data));
        }

        string? trouble = server.Endpoints == 0 ? "No endpoint speaks MTA-TLS. A warning in the category MtaTls.AspNetCore.Endpoints gives the reason."
            : server.ReceiveBudget.Reserved > server.ReceiveBudget.Size / 10 * 9 ? "More than nine tenths of MtaTls:Limits:ServerReceiveBudget are used. Windows do not grow, and new channels are refused when all of it is used."
            : null;
        return Task.FromResult(trouble is null ? HealthCheckResult.Healthy("MTA-TLS is served.", data) : HealthCheckResult.Degraded(trouble, data: data));
    }
}
