using Microsoft.Extensions.Hosting;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Hosting;

/// <summary>Starts the client with the host, and closes it when the host stops.</summary>
internal sealed class ClientService(QuicTunnelClient client, ClientMetrics metrics) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Requesting the metrics from the container has created the meter.
        _ = metrics;
        client.Start();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken) => await client.DisposeAsync();
}
