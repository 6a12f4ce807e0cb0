using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace MtaTls.FunctionalTests.Support;

/// <summary>samples/Server as a separate process on a free port of the loopback, configured by its environment.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-process-");
    private readonly List<string> _lines = [];
    private readonly TaskCompletionSource<int> _port = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerProcess(Dictionary<string, string> environment, string dotnet)
    {
        PemFiles.Write(_folder.FullName, "server", TestCertificates.Server);
        ProcessStartInfo start = new(dotnet, ["exec", Path.Combine(AppContext.BaseDirectory, "Server.dll")])
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ASPNETCORE_ENVIRONMENT"] = "Production",
                ["Logging__LogLevel__Default"] = "Information",
                ["MtaTls__Endpoints__Public__Url"] = "https://127.0.0.1:0",
                ["MtaTls__Endpoints__Public__Certificate__Path"] = Path.Combine(_folder.FullName, "server.pem"),
                ["MtaTls__Endpoints__Public__Certificate__KeyPath"] = Path.Combine(_folder.FullName, "server.key"),
            },
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value.Length > 0 ? value.Replace("{folder}", _folder.FullName, StringComparison.Ordinal) : null;
        }

        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, e) => Add(e.Data);
        _process.ErrorDataReceived += (_, e) => Add(e.Data);
        _process.Exited += (_, _) => _port.TrySetException(new InvalidOperationException("The sample ended:\n" + Log));
    }

    public int Port { get; private set; }

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

    /// <param name="environment">Variables for the process. An empty value removes the variable, and <c>{folder}</c> stands for the folder with <c>server.pem</c> and <c>server.key</c>.</param>
    /// <param name="dotnet">The program that runs the sample.</param>
    public static async Task<ServerProcess> StartAsync(Dictionary<string, string> environment, string dotnet = "dotnet")
    {
        ServerProcess server = new(environment, dotnet);
        try
        {
            server._process.Start();
            server._process.BeginOutputReadLine();
            server._process.BeginErrorReadLine();
            server.Port = await server._port.Task.Soon();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Suspends the process (SIGSTOP).</summary>
    public Task StopProcessAsync() => SignalAsync("-STOP");

    /// <summary>Continues the process (SIGCONT).</summary>
    public Task ContinueProcessAsync() => SignalAsync("-CONT");

    /// <summary>Limits the number of its open files, up to the limit of the tests themselves.</summary>
    public async Task LimitFilesAsync(int files)
    {
        (int exitCode, string output) = await Tool.RunAsync("prlimit", "", "--pid", Id.ToString(CultureInfo.InvariantCulture), $"--nofile={files}:");
        Assert.True(exitCode == 0, output);
    }

    private async Task SignalAsync(string signal)
    {
        (int exitCode, string output) = await Tool.RunAsync("kill", "", signal, _process.Id.ToString(CultureInfo.InvariantCulture));
        Assert.True(exitCode == 0, output);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync().Soon();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    [GeneratedRegex(@"Now listening on: https://127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();

    private void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            _lines.Add(line);
        }

        if (Listening().Match(line) is { Success: true } match)
        {
            _port.TrySetResult(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
        }
    }
}
