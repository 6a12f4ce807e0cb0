using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MtaTls.FunctionalTests.Liveness.Network;

/// <summary>
/// Three network namespaces of this host, which root may make. Sockets of this process are made in them; the packets go through the kernel's router, address translation and filters.
/// <code>
/// [ client ] .2 ---- 10.210.1.0/24 ---- .1 [ router ] .1 ---- 10.210.2.0/24 ---- .2 [ server ]
/// </code>
/// </summary>
internal sealed partial class TestNetwork : IDisposable
{
    private const int NetworkNamespace = 0x40000000;
    private static readonly Lazy<string?> s_whyNot = new(Probe);
    private static int s_count;
    private readonly string _id = string.Create(CultureInfo.InvariantCulture, $"mtatls-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}");

    public TestNetwork()
    {
        try
        {
            foreach (string name in new[] { Client, Router, Server })
            {
                Ip($"netns add {name}");
                Ip($"-n {name} link set lo up");
            }

            Ip($"link add c0 netns {Router} type veth peer name e0 netns {Client}");
            Ip($"link add s0 netns {Router} type veth peer name e0 netns {Server}");
            Ip($"-n {Client} address add 10.210.1.2/24 dev e0");
            Ip($"-n {Router} address add 10.210.1.1/24 dev c0");
            Ip($"-n {Router} address add 10.210.2.1/24 dev s0");
            Ip($"-n {Server} address add {ServerAddress}/24 dev e0");
            foreach ((string name, string device) in new[] { (Client, "e0"), (Router, "c0"), (Router, "s0"), (Server, "e0") })
            {
                Ip($"-n {name} link set {device} up");
            }

            Ip($"-n {Client} route add default via 10.210.1.1");
            Ip($"-n {Server} route add default via 10.210.2.1");
            Write("ipv4/ip_forward", 1);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public static string ServerAddress => "10.210.2.2";

    public string Client => _id + "-c";

    public string Router => _id + "-r";

    public string Server => _id + "-s";

    /// <summary>Connections that the router's address translation remembers. Reading the list removes those whose time is over, which the kernel does otherwise within a minute.</summary>
    public int Translations => Run("ip", "netns", "exec", Router, "cat", "/proc/net/nf_conntrack").Split('\n').Count(static line => line.Contains(" ESTABLISHED ", StringComparison.Ordinal));

    /// <summary>Skips the test where namespaces or packet filters can't be made.</summary>
    public static void SkipUnlessPossible() => Assert.SkipWhen(s_whyNot.Value is not null, s_whyNot.Value ?? "");

    /// <summary>Makes a listening socket in the server's namespace.</summary>
    public Socket Listen(EndPoint endPoint) => In(Server, () =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(endPoint);
        return socket;
    });

    /// <summary>Connects from the client's namespace.</summary>
    public async ValueTask<Stream> ConnectAsync(DnsEndPoint endPoint, CancellationToken cancellationToken)
    {
        Socket socket = In(Client, static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        try
        {
            await socket.ConnectAsync(IPAddress.Parse(endPoint.Host), endPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>From now on the router drops every packet, without a word to anybody.</summary>
    public void Drop() => Nft("add table ip cut; add chain ip cut packets { type filter hook forward priority 0; policy drop; }");

    public void Mend() => Nft("delete table ip cut");

    /// <summary>Drops what goes to an address, and counts it.</summary>
    public void DropTo(string address) => Nft($"add table ip dead; add chain ip dead packets {{ type filter hook forward priority 0; }}; add rule ip dead packets ip daddr {address} counter drop");

    /// <summary>Packets that <see cref="DropTo"/> has dropped.</summary>
    public bool HasDropped => !Run("ip", "netns", "exec", Router, "nft", "list", "table", "ip", "dead").Contains("packets 0 ", StringComparison.Ordinal);

    /// <summary>The router translates the client's addresses, and forgets a connection that is silent for so many seconds: what belongs to none that it knows, it drops.</summary>
    public void Translate(int seconds)
    {
        Nft(
            "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oifname \"s0\" masquerade; "
            + "add chain ip nat forward { type filter hook forward priority 0; }; add rule ip nat forward ct state invalid drop");
        Write("netfilter/nf_conntrack_tcp_timeout_established", seconds);
        Write("netfilter/nf_conntrack_tcp_timeout_unacknowledged", seconds);
        Write("netfilter/nf_conntrack_tcp_timeout_max_retrans", seconds);
        // A packet in the middle of a connection that is not remembered does not begin another one.
        Write("netfilter/nf_conntrack_tcp_loose", 0);
    }

    /// <summary>The router forgets every connection.</summary>
    public void ForgetTranslations()
    {
        try
        {
            Run("ip", "netns", "exec", Router, "conntrack", "-F");
        }
        catch (InvalidOperationException e)
        {
            Assert.Skip($"conntrack is not installed, or can't be used here: {e.Message}");
        }
    }

    /// <summary>What <c>/etc/hosts</c> says to programs in the client's namespace.</summary>
    public void WriteHosts(string text)
    {
        Directory.CreateDirectory($"/etc/netns/{Client}");
        File.WriteAllText($"/etc/netns/{Client}/hosts", text);
    }

    /// <summary>Runs a program in the client's namespace to its end.</summary>
    public Task<(int ExitCode, string Output)> RunInClientAsync(params string[] command) => Support.Tool.RunAsync("ip", "", ["netns", "exec", Client, .. command]);

    public void Dispose()
    {
        foreach (string name in new[] { Client, Router, Server })
        {
            try
            {
                Ip($"netns delete {name}");
            }
            catch (InvalidOperationException)
            {
                // It was not made.
            }
        }

        if (Directory.Exists($"/etc/netns/{Client}"))
        {
            Directory.Delete($"/etc/netns/{Client}", recursive: true);
        }
    }

    private static string? Probe()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
        {
            return "Only root may make network namespaces, on Linux.";
        }

        try
        {
            using TestNetwork network = new();
            network.Translate(60);
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"Network namespaces with packet filters can't be made here: {e.Message}";
        }
    }

    /// <summary>Runs something on a thread that is in a namespace: a socket stays in that of the thread that made it.</summary>
    private static T In<T>(string name, Func<T> action)
    {
        T result = default!;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using SafeFileHandle file = File.OpenHandle($"/run/netns/{name}");
                if (SetNs((int)file.DangerousGetHandle(), NetworkNamespace) != 0)
                {
                    throw new IOException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                }

                result = action();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw new IOException($"{name}: {failure.Message}", failure);
    }

    private void Nft(string script) => Run("ip", "netns", "exec", Router, "nft", script);

    private void Write(string setting, int value) => Run("ip", "netns", "exec", Router, "sh", "-c", string.Create(CultureInfo.InvariantCulture, $"echo {value} > /proc/sys/net/{setting}"));

    private static void Ip(string arguments) => Run("ip", arguments.Split(' '));

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Result.Trim()}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(int fd, int type);
}
