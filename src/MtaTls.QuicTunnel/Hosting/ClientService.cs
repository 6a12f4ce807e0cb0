using Microsoft.Extensions.Hosting;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Hosting;

/// <summary>Runs the client with the host. The container disposes of it, and so ends its connections.</summary>
internal sealed class ClientService(QuicTunnelClient client, ClientMetrics metrics) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // The meter lives as long as the container keeps it; asking for it made it.
        _ = metrics;
        client.Start();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken) => await client.DisposeAsync();
}
