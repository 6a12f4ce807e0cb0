using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Gateway;

/// <summary>The programs of the demonstration, each in its own process. All are stopped with this program.</summary>
internal sealed class Processes : IAsyncDisposable
{
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromSeconds(60);

    private readonly List<Process> _running = [];
    private readonly CancellationTokenSource _cancelled = new();

    public Processes()
    {
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            _cancelled.Cancel();
        };
    }

    /// <summary>Starts a project of this sample, which was built with this one.</summary>
    public void StartWebApp(string name, string? urls, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = DotNet(name);
        // Development, as with dotnet run, so that the app finds its static files in the build output.
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        start.Environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Warning";
        if (urls is not null)
        {
            start.Environment["ASPNETCORE_URLS"] = urls;
        }

        foreach ((string key, string value) in environment)
        {
            start.Environment[key] = value;
        }

        _running.Add(Process.Start(start)!);
    }

    /// <summary>Starts a program of the machine, if it is installed. Its output is not shown.</summary>
    public bool TryStart(string program, params string[] arguments)
    {
        try
        {
            Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() })!;
            process.OutputDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            _running.Add(process);
            return true;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    public async Task<int> RunAsync(string name, string[] arguments)
    {
        using Process process = Process.Start(DotNet(name, arguments))!;
        try
        {
            await process.WaitForExitAsync(_cancelled.Token);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            return 1;
        }
    }

    /// <summary>Waits until a process listens on the port.</summary>
    public async Task WaitForPortAsync(int port)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_cancelled.Token);
        timeout.CancelAfter(s_startTimeout);
        while (true)
        {
            if (_running.Find(p => p.HasExited) is { } exited)
            {
                throw new InvalidOperationException($"{exited.StartInfo.FileName} {string.Join(' ', exited.StartInfo.ArgumentList)} has ended. Is a port in use?");
            }

            try
            {
                using var socket = new TcpClient();
                await socket.ConnectAsync(IPAddress.Loopback, port, timeout.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(100, timeout.Token);
            }
        }
    }

    public Task WaitForCancelAsync() => Task.Delay(Timeout.Infinite, _cancelled.Token).ContinueWith(static _ => { }, TaskScheduler.Default);

    public async ValueTask DisposeAsync()
    {
        foreach (Process process in _running)
        {
            if (!process.HasExited)
            {
                process.Kill();
            }

            await process.WaitForExitAsync();
            process.Dispose();
        }

        _cancelled.Dispose();
    }

    private static ProcessStartInfo DotNet(string name, params string[] arguments)
    {
        // The output is bin/CONFIGURATION/net10.0, in this project and in the projects below it.
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        string project = Path.Combine(output.Parent!.Parent!.Parent!.FullName, name);
        string assembly = Path.Combine(project, "bin", output.Parent.Name, output.Name, name + ".dll");
        return new ProcessStartInfo("dotnet", [assembly, .. arguments]) { WorkingDirectory = project };
    }
}
