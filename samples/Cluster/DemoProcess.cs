using System.Collections.Concurrent;
using System.Diagnostics;

namespace ClusterSample;

/// <summary>A process of the demonstration. What it prints is kept.</summary>
internal sealed class DemoProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    public DemoProcess(string program, IEnumerable<string> arguments, Dictionary<string, string>? settings = null)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in settings ?? [])
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += OnLine;
        _process.ErrorDataReceived += OnLine;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts this program again in another role.</summary>
    public static DemoProcess StartRole(string role, Dictionary<string, string> settings)
    {
        // "dotnet Cluster.dll" or the program itself.
        string program = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? new(program, [typeof(DemoProcess).Assembly.Location, role], settings) : new(program, [role], settings);
    }

    public bool HasEnded => _process.HasExited;

    public string Output => string.Join('\n', _lines);

    /// <summary>SIGTERM, as systemd and Kubernetes stop a process.</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGKILL: the process has no chance to say anything.</summary>
    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void OnLine(object sender, DataReceivedEventArgs e)
    {
        if (e.Data is { } line)
        {
            _lines.Enqueue(line);
        }
    }
}
