using Microsoft.Extensions.Hosting;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Hosting;

/// <summary>Starts the concentrator before the server, which can then listen on the tunnel's addresses, and stops it after it.</summary>
internal sealed class ConcentratorService(TunnelConcentrator concentrator, ConcentratorMetrics metrics) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        // The meter lives as long as the container keeps it; asking for it made it.
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
