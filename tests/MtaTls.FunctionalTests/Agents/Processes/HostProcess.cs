using System.Diagnostics;
using System.Text.RegularExpressions;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Agents.Processes;

/// <summary>MtaTls.AgentHost as a separate process: a gateway or an agent, optionally in a network namespace.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder;
    private readonly List<string> _lines = [];

    private HostProcess(string role, string? networkNamespace, DirectoryInfo folder, Dictionary<string, string> settings)
    {
        _folder = folder;
        string[] command = ["dotnet", "exec", Assembly(), role];
        // "ip netns exec" replaces itself with the program, so signals reach the program.
        ProcessStartInfo start = networkNamespace is null ? new(command[0], command[1..]) : new("ip", ["netns", "exec", networkNamespace, .. command]);
        start.WorkingDirectory = folder.FullName;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        start.Environment["Logging__Console__FormatterName"] = "simple";
        start.Environment["Logging__Console__FormatterOptions__SingleLine"] = "true";
        start.Environment["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ";
        start.Environment["Logging__LogLevel__Default"] = "Information";
        start.Environment["Logging__LogLevel__Microsoft.AspNetCore"] = "Warning";
        start.Environment["Logging__LogLevel__Yarp"] = "Warning";
        foreach ((string name, string value) in settings)
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, e) => Add(e.Data);
        _process.ErrorDataReceived += (_, e) => Add(e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public int Port { get; private set; }

    public string[] Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public string Log => string.Join('\n', Lines.Where(static l => !l.StartsWith("order ", StringComparison.Ordinal)));

    /// <summary>The ids of the orders that the process has received, in the order of their arrival.</summary>
    public IEnumerable<string> Orders => Lines.Where(static l => l.StartsWith("order ", StringComparison.Ordinal)).Select(static l => l["order ".Length..]);

    /// <summary>Starts a gateway, and waits until it listens.</summary>
    public static async Task<HostProcess> StartGatewayAsync(string? settings = null, string address = "127.0.0.1", int port = 0, Dictionary<string, string>? more = null, Action<string>? files = null,
        string? networkNamespace = null)
    {
        DirectoryInfo folder = CreateFolder();
        PemFiles.Write(folder.FullName, "gateway", TestCertificates.Server);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "appsettings.json"), settings ?? AgentGateway.Settings());
        files?.Invoke(folder.FullName);
        HostProcess gateway = new("gateway", networkNamespace, folder, new(more ?? [])
        {
            ["MtaTls:Endpoints:Public:Url"] = $"https://{address}:{port}",
            ["MtaTls:Endpoints:Public:ClientCertificateMode"] = "AllowCertificate",
            ["MtaTls:Endpoints:Public:Certificate:Path"] = "gateway.pem",
            ["MtaTls:Endpoints:Public:Certificate:KeyPath"] = "gateway.key",
            ["AgentAuthorityPath"] = "root.pem",
            // A busy machine takes its time.
            ["MtaTls:Limits:HandshakeTimeout"] = "00:02:00",
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Information",
        });
        try
        {
            Match match = await gateway.LineAsync($@"Now listening on: https://{Regex.Escape(address)}:(\d+)");
            gateway.Port = int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts an agent, which registers some time later.</summary>
    public static HostProcess StartAgent(string gateway, string agent, string? networkNamespace = null, Dictionary<string, string>? settings = null)
    {
        DirectoryInfo folder = CreateFolder();
        PemFiles.Write(folder.FullName, "agent", TestCertificates.Client);
        return new HostProcess("agent", networkNamespace, folder, new(settings ?? [])
        {
            ["MtaTlsAgent:Gateways:0"] = gateway,
            ["MtaTlsAgent:TargetHost"] = "localhost",
            ["MtaTlsAgent:AuthorityPath"] = "root.pem",
            ["MtaTlsAgent:ClientCertificate:Path"] = "agent.pem",
            ["MtaTlsAgent:ClientCertificate:KeyPath"] = "agent.key",
            ["MtaTlsAgent:Agent"] = agent,
            ["MtaTlsAgent:Names:0"] = AgentGateway.Plant7,
            ["MtaTlsAgent:Reconnect:InitialDelay"] = "00:00:00.100",
            ["MtaTlsAgent:Reconnect:MaxDelay"] = "00:00:01",
        });
    }

    /// <summary>Waits until the process has printed a line that matches.</summary>
    public async Task<Match> LineAsync(string pattern, int count = 1)
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (true)
        {
            Match[] matches = [.. Lines.Select(l => Regex.Match(l, pattern)).Where(static m => m.Success)];
            if (matches.Length >= count)
            {
                return matches[count - 1];
            }

            Assert.False(hang.IsCancellationRequested || _process.HasExited, $"No line '{pattern}' in\n{Log}");
            await Task.Delay(10);
        }
    }

    /// <summary>Waits until the agent has this many registrations.</summary>
    public Task RegisteredAsync(int sessions = 2) => LineAsync("Registered with ", sessions);

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    public async Task StopAsync()
    {
        await SignalAsync("TERM");
        await _process.WaitForExitAsync().Soon();
    }

    /// <summary>Sends SIGKILL and waits for the end.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().Soon();
    }

    public Task SignalAsync(string signal) => Tool.RunAsync("kill", "", $"-{signal}", $"{_process.Id}");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync().Soon();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string Assembly()
    {
        // From bin/CONFIGURATION/net10.0 of this project to that of MtaTls.AgentHost.
        DirectoryInfo output = new(AppContext.BaseDirectory);
        return Path.Combine(output.Parent!.Parent!.Parent!.Parent!.FullName, "MtaTls.AgentHost", "bin", output.Parent.Name, output.Name, "MtaTls.AgentHost.dll");
    }

    private static DirectoryInfo CreateFolder()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-agents-");
        File.WriteAllText(Path.Combine(folder.FullName, "root.pem"), TestCertificates.Root.ExportCertificatePem());
        return folder;
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
