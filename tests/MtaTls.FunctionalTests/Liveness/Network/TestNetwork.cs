using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MtaTls.Tests.Network;

namespace MtaTls.FunctionalTests.Liveness.Network;

/// <summary>
/// Three network namespaces of this host, which need root. Sockets of this process are created in them; their packets pass the kernel's routing, NAT and filters.
/// <code>
/// [ client ] .2 ---- 10.210.1.0/24 ---- .1 [ router ] .1 ---- 10.210.2.0/24 ---- .2 [ server ]
/// </code>
/// </summary>
internal sealed class TestNetwork : IDisposable
{
    private static readonly Lazy<string?> s_whyNot = new(static () => NetworkCommands.WhyNot(static () =>
    {
        using TestNetwork network = new();
        network.Translate(60);
    }));
    private static int s_count;
    private readonly string _id = string.Create(CultureInfo.InvariantCulture, $"mtatls-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}");

    public TestNetwork()
    {
        try
        {
            Array.ForEach([Client, Router, Server], NetworkCommands.Add);
            NetworkCommands.Link((Router, "c0", "10.210.1.1/24"), (Client, "e0", "10.210.1.2/24"));
            NetworkCommands.Link((Router, "s0", "10.210.2.1/24"), (Server, "e0", $"{ServerAddress}/24"));
            NetworkCommands.Ip($"-n {Client} route add default via 10.210.1.1");
            NetworkCommands.Ip($"-n {Server} route add default via 10.210.2.1");
            NetworkCommands.Write(Router, "ipv4/ip_forward", 1);
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
    public int Translations => NetworkCommands.In(Router, "cat", "/proc/net/nf_conntrack").Split('\n').Count(static line => line.Contains(" ESTABLISHED ", StringComparison.Ordinal));

    /// <summary>Skips the test if namespaces or packet filters cannot be created.</summary>
    public static void SkipUnlessPossible() => Assert.SkipWhen(s_whyNot.Value is not null, s_whyNot.Value ?? "");

    /// <summary>Makes a listening socket in the server's namespace.</summary>
    public Socket Listen(EndPoint endPoint) => NamespaceSockets.Run(Server, () =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(endPoint);
        return socket;
    });

    /// <summary>Connects from the client's namespace.</summary>
    public async ValueTask<Stream> ConnectAsync(DnsEndPoint endPoint, CancellationToken cancellationToken)
    {
        Socket socket = NamespaceSockets.Run(Client, static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
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

    /// <summary>Lets the router drop every packet, without ICMP messages.</summary>
    public void Drop() => Nft("add table ip cut; add chain ip cut packets { type filter hook forward priority 0; policy drop; }");

    public void Mend() => Nft("delete table ip cut");

    /// <summary>Drops and counts packets to an address.</summary>
    public void DropTo(string address) => Nft($"add table ip dead; add chain ip dead packets {{ type filter hook forward priority 0; }}; add rule ip dead packets ip daddr {address} counter drop");

    /// <summary>Packets that <see cref="DropTo"/> has dropped.</summary>
    public bool HasDropped => !NetworkCommands.In(Router, "nft", "list", "table", "ip", "dead").Contains("packets 0 ", StringComparison.Ordinal);

    /// <summary>Lets the router translate the client's addresses. It removes a connection from its table after this many seconds without packets, and drops packets of unknown connections.</summary>
    public void Translate(int seconds)
    {
        Nft(
            "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oifname \"s0\" masquerade; "
            + "add chain ip nat forward { type filter hook forward priority 0; }; add rule ip nat forward ct state invalid drop");
        NetworkCommands.Write(Router, "netfilter/nf_conntrack_tcp_timeout_established", seconds);
        NetworkCommands.Write(Router, "netfilter/nf_conntrack_tcp_timeout_unacknowledged", seconds);
        NetworkCommands.Write(Router, "netfilter/nf_conntrack_tcp_timeout_max_retrans", seconds);
        // A packet in the middle of a connection that is not remembered does not begin another one.
        NetworkCommands.Write(Router, "netfilter/nf_conntrack_tcp_loose", 0);
    }

    /// <summary>Removes every connection from the NAT's table.</summary>
    public void ForgetTranslations()
    {
        try
        {
            NetworkCommands.In(Router, "conntrack", "-F");
        }
        catch (InvalidOperationException e)
        {
            Assert.Skip($"conntrack is not installed or cannot be used here: {e.Message}");
        }
    }

    /// <summary>Writes <c>/etc/hosts</c> for programs in the client's namespace.</summary>
    public void WriteHosts(string text)
    {
        Directory.CreateDirectory($"/etc/netns/{Client}");
        File.WriteAllText($"/etc/netns/{Client}/hosts", text);
    }

    /// <summary>Runs a program in the client's namespace to its end.</summary>
    public Task<(int ExitCode, string Output)> RunInClientAsync(params string[] command) => Support.Tool.RunAsync("ip", "", ["netns", "exec", Client, .. command]);

    public void Dispose()
    {
        Array.ForEach([Client, Router, Server], NetworkCommands.Delete);
        if (Directory.Exists($"/etc/netns/{Client}"))
        {
            Directory.Delete($"/etc/netns/{Client}", recursive: true);
        }
    }

    private void Nft(string script) => NetworkCommands.Nft(Router, script);
}
