using System.Diagnostics;
using System.Net.Sockets;
using MtaTls.Benchmarks.Carriers;

namespace MtaTls.Benchmarks.Tunnels;

/// <summary>A process of a contender. It is killed at the end of the run.</summary>
internal sealed class HostedProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly List<string> _lines = [];

    private HostedProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Add(e.Data);
        process.ErrorDataReceived += (_, e) => Add(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public string Log
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public static HostedProcess Start(string program, string[] arguments, string? folder = null, Dictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "" };
        foreach ((string name, string value) in environment ?? [])
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        return new HostedProcess(Process.Start(start)!);
    }

    /// <summary>Starts MtaTls.AgentHost, which is built with this program.</summary>
    public static HostedProcess StartAgentHost(string role, string folder, Dictionary<string, string> environment)
    {
        DirectoryInfo output = new(AppContext.BaseDirectory);
        string assembly = Path.Combine(output.Parent!.Parent!.Parent!.Parent!.FullName, "MtaTls.AgentHost", "bin", output.Parent.Name, output.Name, "MtaTls.AgentHost.dll");
        return Start("dotnet", ["exec", assembly, role], folder, new(environment) { ["Logging:LogLevel:Default"] = "Warning", ["ASPNETCORE_ENVIRONMENT"] = "Production" });
    }

    /// <summary>Starts the command mtatls, which is built with this program.</summary>
    public static HostedProcess StartMtatls(string folder, params string[] arguments)
    {
        DirectoryInfo output = new(AppContext.BaseDirectory);
        string assembly = Path.Combine(output.Parent!.Parent!.Parent!.Parent!.Parent!.FullName, "src", "MtaTls.Tool", "bin", output.Parent.Name, output.Name, "mtatls.dll");
        return Start("dotnet", ["exec", assembly, .. arguments], folder);
    }

    /// <summary>Waits until a process listens on the port.</summary>
    public async Task ListensAsync(int port, CancellationToken ct)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await using Stream probe = await new SocketCarrier(port).OpenAsync(ct);
                return;
            }
            catch (SocketException) when (attempt < 1_000 && !_process.HasExited)
            {
                await Task.Delay(20, ct);
            }
            catch (SocketException)
            {
                throw new InvalidOperationException($"The process does not listen on port {port}:\n{Log}");
            }
        }
    }

    /// <summary>Asks the process to stop, and waits until it has.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> StopAsync(CancellationToken ct)
    {
        long begin = Stopwatch.GetTimestamp();
        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(ct);
        }

        await _process.WaitForExitAsync(ct);
        return Stopwatch.GetElapsedTime(begin);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Add(string? line)
    {
        if (line is not null)
        {
            lock (_lines)
            {
                _lines.Add(line);
            }
        }
    }
}
