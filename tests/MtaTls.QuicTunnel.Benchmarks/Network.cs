using System.Diagnostics;
using System.Globalization;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>The namespaces and processes that the benchmarks share.</summary>
internal sealed class Network : IDisposable
{
    public Network(string name)
    {
        if (AccessNetworks.WhyNot() is { } reason)
        {
            throw new InvalidOperationException($"This benchmark creates network namespaces, but {reason}.");
        }

        Namespaces = new AccessNetworks($"bench{Environment.ProcessId}{name}");
        Tunnel = new TunnelProcesses(Namespaces);
    }

    public AccessNetworks Namespaces { get; }

    public TunnelProcesses Tunnel { get; }

    /// <summary>Starts concentrator and client. Kestrel listens on every address of the concentrator, inside and outside of the tunnel.</summary>
    public async Task StartAsync(int paths)
    {
        await Tunnel.StartConcentratorAsync("--Urls", "http://0.0.0.0:80");
        await Tunnel.StartClientAsync(paths == 1 ? ["--QuicTunnelClient:LocalAddresses:1", "10.201.9.9"] : []);
        await Tunnel.WaitForAsync("is connected from", paths);
    }

    /// <summary>Measures one download, in Mbit/s.</summary>
    public async Task<double> DownloadAsync(string address, long octets)
    {
        using Process curl = AccessNetworks.Start(Namespaces.Client, "curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{speed_download}", $"http://{address}/bytes/{octets}");
        string output = await curl.StandardOutput.ReadToEndAsync();
        await curl.WaitForExitAsync();
        if (curl.ExitCode != 0)
        {
            throw new InvalidOperationException(await curl.StandardError.ReadToEndAsync());
        }

        return double.Parse(output, CultureInfo.InvariantCulture) * 8 / 1_000_000;
    }

    public void Dispose()
    {
        Tunnel.Dispose();
        Namespaces.Dispose();
    }

    public static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
