using System.Globalization;
using System.Text.Json;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Tunnels;
using ReverseTunnelSample;

namespace MtaTls.Benchmarks.Socks;

/// <summary><c>mtatls forward -D</c> to an <c>mtatls serve</c> with one Tcp route. All options have their defaults, except the limits of connections.</summary>
internal sealed class MtaTlsForward : ISocksProxy
{
    private const string MaxConnections = "20000";

    private readonly DemoCertificates _certificates = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-bench-socks-");
    private HostedProcess? _serve;
    private HostedProcess? _forward;

    private MtaTlsForward()
    {
    }

    public string Title => "mtatls forward -D";

    public int Port { get; } = FreePort.Find();

    public string TargetHost => "target.internal";

    public IReadOnlyList<int> LocalProcesses => [_forward!.Id];

    public IReadOnlyList<int> ServerProcesses => [_serve!.Id];

    public static async Task<ISocksProxy> StartAsync(int targetPort, CancellationToken ct)
    {
        MtaTlsForward proxy = new();
        try
        {
            await proxy.StartProcessesAsync(targetPort, ct);
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HostedProcess? process in (HostedProcess?[])[_forward, _serve])
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }
        }

        _certificates.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task StartProcessesAsync(int targetPort, CancellationToken ct)
    {
        int gateway = FreePort.Find();
        string settings = Path.Combine(_folder.FullName, "appsettings.json");
        Dictionary<string, object> configuration = new()
        {
            ["MtaTls:Endpoints:Public:Url"] = $"https://127.0.0.1:{gateway}",
            ["MtaTls:Endpoints:Public:Certificate:Path"] = _certificates.Path("gateway.pem"),
            ["MtaTls:Endpoints:Public:Certificate:KeyPath"] = _certificates.Path("gateway.key"),
            ["MtaTls:Channels:0:Hosts:0"] = TargetHost,
            ["MtaTls:Channels:0:Action"] = "Tcp",
            ["MtaTls:Channels:0:Upstream"] = $"127.0.0.1:{targetPort}",
            ["MtaTls:Channels:0:AllowAnonymous"] = "true",
            ["MtaTls:Tcp:MaxConnections"] = MaxConnections,
            ["MtaTls:Tcp:MaxConnectionsPerAddress"] = MaxConnections,
        };
        await File.WriteAllTextAsync(settings, JsonSerializer.Serialize(configuration), ct);
        _serve = HostedProcess.StartMtatls(_folder.FullName, "serve", "--config", settings, "--socket", Path.Combine(_folder.FullName, "gateway.sock"));
        await _serve.ListensAsync(gateway, ct);
        _forward = HostedProcess.StartMtatls(
            _folder.FullName, "forward", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{gateway}"), "--sni", "localhost", "--cacert", _certificates.Authority,
            "-D", Port.ToString(CultureInfo.InvariantCulture), "--max-connections", MaxConnections);
        await _forward.ListensAsync(Port, ct);
    }
}
