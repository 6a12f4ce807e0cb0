using System.Collections.Concurrent;
using System.Diagnostics;

namespace QuicTunnelSample;

/// <summary>Runs a concentrator and a client of this program, each in its namespace.</summary>
public sealed class TunnelProcesses : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(3);
    private readonly AccessNetworks _networks;
    private readonly List<Process> _processes = [];

    public TunnelProcesses(AccessNetworks networks)
    {
        _networks = networks;
        Directory = System.IO.Directory.CreateTempSubdirectory("quic-tunnel-").FullName;
        SampleCertificates.Write(Directory);
    }

    public string Directory { get; }

    /// <summary>A program and its arguments that start each process, for example as another user. Default empty: none.</summary>
    public string[] Launcher { get; set; } = [];

    /// <summary>The output lines of both processes.</summary>
    public ConcurrentQueue<string> Output { get; } = new();

    public IReadOnlyList<Process> Processes => _processes;

    public event Action<string>? Said;

    public Task<Process> StartConcentratorAsync(params string[] settings) => StartConcentratorInAsync(_networks.Concentrator, settings);

    /// <summary>Starts a concentrator in another namespace, as one of several.</summary>
    public Task<Process> StartConcentratorInAsync(string name, params string[] settings) => StartAsync(
        name,
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

    /// <summary>Waits until the output contains this number of lines with the text.</summary>
    public async Task WaitForAsync(string text, int times = 1)
    {
        long end = Stopwatch.GetTimestamp() + (long)(s_timeout.TotalSeconds * Stopwatch.Frequency);
        while (Output.Count(line => line.Contains(text, StringComparison.Ordinal)) < times)
        {
            if (Stopwatch.GetTimestamp() > end || _processes.Exists(process => process.HasExited))
            {
                throw new InvalidOperationException($"The output does not contain '{text}' {times} time(s):{Environment.NewLine}{string.Join(Environment.NewLine, Output)}");
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
        string[] command = [.. Launcher, "dotnet", typeof(TunnelProcesses).Assembly.Location, .. arguments];
        Process process = AccessNetworks.Start(name, command[0], command[1..]);
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
