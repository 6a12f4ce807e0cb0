using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>One access network of the lab: rate in Mbit/s, one-way delay in ms, loss in percent, and whether it goes down and up every two seconds.</summary>
internal sealed record LabLink(string Name, double Rate, double Delay, double Loss = 0, bool Flaps = false)
{
    /// <summary>Parses "50/10", "50/5/1%" and "50/10/flap".</summary>
    public static LabLink Parse(string text)
    {
        string[] parts = text.Split('/');
        double loss = parts.Length > 2 && parts[2].EndsWith('%') ? double.Parse(parts[2].TrimEnd('%'), CultureInfo.InvariantCulture) : 0;
        return new LabLink(text, double.Parse(parts[0], CultureInfo.InvariantCulture), double.Parse(parts[1], CultureInfo.InvariantCulture), loss, parts[^1] == "flap");
    }
}

/// <summary>Client and concentrator in namespaces, with emulated links between them, and iperf3 inside the tunnel.</summary>
internal sealed class Lab : IAsyncDisposable
{
    private static readonly Lazy<string> s_wire = new(Compile);
    private static int s_count;
    private readonly LabLink[] _links;
    private readonly List<Process> _processes = [];
    private readonly CancellationTokenSource _end = new();
    private Task _flapping = Task.CompletedTask;

    private Lab(LabLink[] links)
    {
        if (AccessNetworks.WhyNot() is { } reason)
        {
            throw new InvalidOperationException($"This benchmark creates network namespaces, but {reason}.");
        }

        foreach (string tool in new[] { "iperf3", "ethtool" })
        {
            if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Append("/usr/sbin").Any(folder => File.Exists(Path.Combine(folder, tool))))
            {
                throw new InvalidOperationException($"This benchmark needs {tool}: apt-get install {tool}.");
            }
        }

        _links = links;
        Networks = new AccessNetworks($"lab{Environment.ProcessId % 10_000}-{Interlocked.Increment(ref s_count)}", isEmulated: true);
        Tunnel = new TunnelProcesses(Networks);
    }

    public AccessNetworks Networks { get; }

    public TunnelProcesses Tunnel { get; }

    public static async Task<Lab> StartAsync(LabLink[] links, string[] settings, string[]? clientSettings = null)
    {
        var lab = new Lab(links);
        try
        {
            await lab.BeginAsync(settings, clientSettings ?? []);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Measures the goodput of one TCP connection, in Mbit/s.</summary>
    public async Task<double> DownloadAsync(int seconds, string congestionControl)
    {
        for (int attempt = 0; ; attempt++)
        {
            using Process iperf = AccessNetworks.Start(
                Networks.Client, "iperf3", "-J", "-R", "-c", "10.99.0.1", "-t", seconds.ToString(CultureInfo.InvariantCulture), "-C", congestionControl, "--connect-timeout", "5000", "--get-server-output");
            string output = await iperf.StandardOutput.ReadToEndAsync();
            await iperf.WaitForExitAsync();
            using var result = JsonDocument.Parse(output);
            if (result.RootElement.TryGetProperty("end", out JsonElement end) && end.TryGetProperty("sum_received", out JsonElement sum))
            {
                if (Environment.GetEnvironmentVariable("LAB_VERBOSE") == "1")
                {
                    IEnumerable<JsonElement> sent = result.RootElement.GetProperty("server_output_json").GetProperty("intervals").EnumerateArray().Select(static i => i.GetProperty("streams")[0]);
                    Console.WriteLine(
                        $"each second: Mbit/s {string.Join(' ', result.RootElement.GetProperty("intervals").EnumerateArray().Select(static i => $"{i.GetProperty("sum").GetProperty("bits_per_second").GetDouble() / 1e6:f0}"))}, "
                        + $"retransmits {string.Join(' ', sent.Select(static i => i.GetProperty("retransmits").GetInt64()))}, "
                        + $"window in KB {string.Join(' ', sent.Select(static i => i.GetProperty("snd_cwnd").GetInt64() / 1000))}, "
                        + $"round trip in ms {string.Join(' ', sent.Select(static i => i.GetProperty("rtt").GetInt64() / 1000))}");
                }

                return sum.GetProperty("bits_per_second").GetDouble() / 1e6;
            }

            if (attempt == 2)
            {
                throw new InvalidOperationException(output);
            }
        }
    }

    /// <summary>Sends a command to a link emulator: "loss 5", "down", "up", "rate 10".</summary>
    public string Tell(int link, string command)
    {
        string own = Path.Combine(Tunnel.Directory, $"{Guid.NewGuid():N}.own");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        socket.Bind(new UnixDomainSocketEndPoint(own));
        socket.SendTo(Encoding.ASCII.GetBytes(command), new UnixDomainSocketEndPoint(Control(link)));
        byte[] answer = new byte[1000];
        int length = socket.Receive(answer);
        File.Delete(own);
        return Encoding.ASCII.GetString(answer, 0, length);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _flapping;
        Tunnel.Dispose();
        foreach (Process process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        Networks.Dispose();
        _end.Dispose();
    }

    private async Task BeginAsync(string[] settings, string[] clientSettings)
    {
        for (int i = 0; i < _links.Length; i++)
        {
            char network = (char)('a' + i);
            string name = Networks.Access(network);
            foreach ((string place, string device) in new[] { (name, "c0"), (name, "s0"), (Networks.Client, $"{network}0"), (Networks.Concentrator, $"{network}0") })
            {
                using Process ethtool = AccessNetworks.Start(place, "ethtool", "-K", device, "tx", "off", "rx", "off", "gso", "off", "tso", "off", "gro", "off");
                await ethtool.WaitForExitAsync();
            }

            _processes.Add(AccessNetworks.Start(name, s_wire.Value, "c0", "s0", Control(i)));
            while (!File.Exists(Control(i)))
            {
                await Task.Delay(10);
            }

            LabLink link = _links[i];
            Tell(i, string.Create(CultureInfo.InvariantCulture, $"rate {link.Rate}"));
            Tell(i, string.Create(CultureInfo.InvariantCulture, $"delay {link.Delay}"));
            Tell(i, string.Create(CultureInfo.InvariantCulture, $"loss {link.Loss}"));
        }

        string[] mtu = ["--QuicTunnel:Interface:Mtu", "1380"];
        await Tunnel.StartConcentratorAsync(["--Urls", "http://0.0.0.0:80", .. mtu, .. settings]);
        _processes.Add(AccessNetworks.Start(Networks.Concentrator, "iperf3", "-s", "-J"));
        await Tunnel.StartClientAsync(
            ["--QuicTunnelClient:Interface:Mtu", "1380", .. clientSettings, .. _links.Length == 1 ? ["--QuicTunnelClient:LocalAddresses:1", "10.201.9.9"] : Array.Empty<string>(), .. settings.Select(static setting => setting.Replace("QuicTunnel:", "QuicTunnelClient:", StringComparison.Ordinal))]);
        await Tunnel.WaitForAsync("is connected from", _links.Length);
        _flapping = Task.WhenAll(Enumerable.Range(0, _links.Length).Where(i => _links[i].Flaps).Select(FlapAsync));
    }

    private async Task FlapAsync(int link)
    {
        try
        {
            for (bool down = true; ; down = !down)
            {
                await Task.Delay(TimeSpan.FromSeconds(2), _end.Token);
                Tell(link, down ? "down" : "up");
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private string Control(int link) => Path.Combine(Tunnel.Directory, $"link{link}.ctl");

    private static string Compile()
    {
        string program = Path.Combine(Path.GetTempPath(), $"quic-lab-wire-{Environment.ProcessId}");
        string source = Path.Combine(AppContext.BaseDirectory, "Wire.c");
        foreach (string compiler in new[] { "cc", "gcc", "clang" })
        {
            try
            {
                using Process compiling = Process.Start(new ProcessStartInfo(compiler, ["-O2", "-w", "-o", program, source]))!;
                compiling.WaitForExit();
                if (compiling.ExitCode == 0)
                {
                    AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(program);
                    return program;
                }
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Try the next compiler.
            }
        }

        throw new InvalidOperationException("This benchmark compiles a link emulator and needs gcc or clang.");
    }
}
