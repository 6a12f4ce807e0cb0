using Microsoft.Extensions.Hosting;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Hosting;

/// <summary>Starts the concentrator before the server, so that the server can listen on tunnel addresses, and stops it after the server.</summary>
internal sealed class ConcentratorService(TunnelConcentrator concentrator, ConcentratorMetrics metrics) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        // Requesting the metrics from the container has created the meter.
        _ = metrics;
        concentrator.Start();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => concentrator.StopAsync(cancellationToken);
}
