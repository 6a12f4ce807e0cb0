using System.Collections.Concurrent;
using System.Diagnostics;

namespace ReverseTunnelSample;

/// <summary>The gateway or an agent, as a process. What it prints is kept.</summary>
internal sealed class DemoProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    /// <summary>Starts a project of this sample, as it was built with this one.</summary>
    public DemoProcess(string project, Dictionary<string, string> settings)
    {
        // bin/CONFIGURATION/net10.0 of this project, and of its neighbour below it.
        DirectoryInfo output = new(AppContext.BaseDirectory);
        string folder = Path.Combine(output.Parent!.Parent!.Parent!.FullName, project);
        string assembly = Path.Combine(folder, "bin", output.Parent.Name, output.Name, project + ".dll");
        ProcessStartInfo start = new("dotnet", [assembly]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // As dotnet run starts it, so that it finds its static files where they were built.
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        foreach ((string name, string value) in settings)
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

    public int Id => _process.Id;

    /// <summary>What it has printed so far.</summary>
    public IEnumerable<string> Lines => _lines;

    /// <summary>SIGTERM, as systemd and Docker stop a process: it drains and ends by itself.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>SIGKILL: the process has no chance to say anything.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>Throws where the process has ended by itself.</summary>
    public void ThrowIfEnded()
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"{_process.StartInfo.ArgumentList[0]} has ended:\n{string.Join('\n', _lines)}");
        }
    }

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
