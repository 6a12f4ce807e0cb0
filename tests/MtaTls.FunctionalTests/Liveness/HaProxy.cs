using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>HAProxy as a TCP load balancer in front of servers on this machine.</summary>
internal sealed class HaProxy : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly Process _process;

    private HaProxy(DirectoryInfo folder, Process process, int port) => (_folder, _process, Port) = (folder, process, port);

    /// <summary>The port that it listens on.</summary>
    public int Port { get; }

    private string Socket => Path.Combine(_folder.FullName, "s");

    /// <summary>Starts HAProxy in front of servers, or skips the test if it is not installed.</summary>
    /// <param name="servers">The ports of the servers.</param>
    /// <param name="settings">Further lines of the section <c>defaults</c>.</param>
    /// <param name="check">What follows each server's address.</param>
    public static Task<HaProxy> StartAsync(int[] servers, string settings = "", string check = "")
        => StartAsync([.. servers.Select(static port => new IPEndPoint(IPAddress.Loopback, port))], settings, check);

    /// <summary>The same, perhaps in a network namespace.</summary>
    /// <param name="servers">The servers.</param>
    /// <param name="settings">Further lines of the section <c>defaults</c>.</param>
    /// <param name="check">What follows each server's address.</param>
    /// <param name="address">The address to listen on.</param>
    /// <param name="networkNamespace">The namespace; null: this one.</param>
    public static Task<HaProxy> StartAsync(IPEndPoint[] servers, string settings = "", string check = "", string address = "127.0.0.1", string? networkNamespace = null) => StartAsync(
        port => $"""
            frontend in
                bind {address}:{port}
                default_backend out
            backend out
                balance roundrobin
                option httpchk GET /health
            {string.Concat(servers.Select((s, i) => $"    server s{i} {s} {check}\n"))}
            """,
        settings,
        networkNamespace);

    /// <summary>Starts HAProxy, or skips the test if it is not installed.</summary>
    /// <param name="sections">The sections <c>frontend</c> and <c>backend</c>, by the port to listen on.</param>
    /// <param name="settings">Further lines of the section <c>defaults</c>.</param>
    /// <param name="networkNamespace">The namespace; null: this one.</param>
    public static async Task<HaProxy> StartAsync(Func<int, string> sections, string settings = "", string? networkNamespace = null)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-haproxy-");
        int port = FreePort.Find();
        string file = Path.Combine(folder.FullName, "haproxy.cfg");
        await File.WriteAllTextAsync(file, $"""
            global
                stats socket {Path.Combine(folder.FullName, "s")} level admin
            defaults
                mode tcp
                timeout connect 30s
                timeout check 30s
                timeout client 600s
                timeout server 600s
                retries 3
                option redispatch 1
            {settings}
            {sections(port)}

            """);
        Process process;
        try
        {
            string[] command = ["haproxy", "-db", "-f", file];
            ProcessStartInfo start = networkNamespace is null ? new(command[0], command[1..]) : new("ip", ["netns", "exec", networkNamespace, .. command]);
            start.RedirectStandardError = start.RedirectStandardOutput = true;
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            folder.Delete(recursive: true);
            Assert.Skip("haproxy is not installed.");
            throw;
        }

        Task<string> said = process.StandardError.ReadToEndAsync();
        HaProxy proxy = new(folder, process, port);
        await Wait.UntilAsync(async () => process.HasExited || await proxy.AnswersAsync());
        Assert.SkipWhen(networkNamespace is not null && process.HasExited && (await said).StartsWith("exec of", StringComparison.Ordinal), "haproxy is not installed.");
        Assert.False(process.HasExited, process.HasExited ? await said : "");
        return proxy;
    }

    /// <summary>Waits until a server is up, or down.</summary>
    public async Task WaitForAsync(int server, string status)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"out,s{server},");
        await Wait.UntilAsync(
            async () => (await StatisticsAsync()).Split('\n').Any(l => l.StartsWith(line, StringComparison.Ordinal) && l.Contains($",{status},", StringComparison.Ordinal)));
    }

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

    /// <summary>Whether HAProxy has started. It creates its socket a little before it listens on it.</summary>
    private async Task<bool> AnswersAsync()
    {
        try
        {
            return (await StatisticsAsync()).Length > 0;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    private async Task<string> StatisticsAsync()
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket)).Soon();
        await socket.SendAsync("show stat\n"u8.ToArray());
        await using NetworkStream stream = new(socket);
        using StreamReader reader = new(stream, Encoding.ASCII);
        return await reader.ReadToEndAsync().Soon();
    }
}
