using System.Collections.Concurrent;
using System.Diagnostics;

namespace QuicTunnelSample;

/// <summary>A concentrator and a client of this program, each in its namespace.</summary>
public sealed class TunnelProcesses : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);
    private readonly AccessNetworks _networks;
    private readonly List<Process> _processes = [];

    public TunnelProcesses(AccessNetworks networks)
    {
        _networks = networks;
        Directory = System.IO.Directory.CreateTempSubdirectory("quic-tunnel-").FullName;
        SampleCertificates.Write(Directory);
    }

    public string Directory { get; }

    /// <summary>Everything that the two have said.</summary>
    public ConcurrentQueue<string> Output { get; } = new();

    public IReadOnlyList<Process> Processes => _processes;

    public event Action<string>? Said;

    public Task<Process> StartConcentratorAsync(params string[] settings) => StartAsync(
        _networks.Concentrator,
        "Now listening on",
        [
            "--Role", "Concentrator", "--Logging:LogLevel:Microsoft.Hosting.Lifetime", "Information",
            "--QuicTunnel:Certificate:Path", Path.Combine(Directory, "concentrator.pem"),
            "--QuicTunnel:Certificate:KeyPath", Path.Combine(Directory, "concentrator.key"),
            "--QuicTunnel:Authentication:AuthorityPath", Path.Combine(Directory, "ca.pem"),
            .. settings,
        ]);

    public Task<Process> StartClientAsync(params string[] settings) => StartAsync(
        _networks.Client,
        "is ready.",
        [
            "--Role", "Client",
            "--QuicTunnelClient:AuthorityPath", Path.Combine(Directory, "ca.pem"),
            "--QuicTunnelClient:ClientCertificate:Path", Path.Combine(Directory, "laptop-1.pem"),
            "--QuicTunnelClient:ClientCertificate:KeyPath", Path.Combine(Directory, "laptop-1.key"),
            .. settings,
        ]);

    /// <summary>Waits until one of the two has said this, from now or before.</summary>
    public async Task WaitForAsync(string text, int times = 1)
    {
        long end = Stopwatch.GetTimestamp() + (long)(s_timeout.TotalSeconds * Stopwatch.Frequency);
        while (Output.Count(line => line.Contains(text, StringComparison.Ordinal)) < times)
        {
            if (Stopwatch.GetTimestamp() > end || _processes.Exists(process => process.HasExited))
            {
                throw new InvalidOperationException($"Nothing said '{text}':{Environment.NewLine}{string.Join(Environment.NewLine, Output)}");
            }

            await Task.Delay(20);
        }
    }

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            process.WaitForExit();
            process.Dispose();
        }

        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private async Task<Process> StartAsync(string name, string ready, string[] arguments)
    {
        int times = Output.Count(line => line.Contains(ready, StringComparison.Ordinal));
        Process process = AccessNetworks.Start(name, "dotnet", [typeof(TunnelProcesses).Assembly.Location, .. arguments]);
        _processes.Add(process);
        process.OutputDataReceived += OnSaid;
        process.ErrorDataReceived += OnSaid;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await WaitForAsync(ready, times + 1);
        return process;
    }

    private void OnSaid(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
        {
            return;
        }

        Output.Enqueue(line.Data);
        Said?.Invoke(line.Data);
    }
}
