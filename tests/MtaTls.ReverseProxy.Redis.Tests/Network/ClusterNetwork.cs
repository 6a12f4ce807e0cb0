using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MtaTls.Tests.Network;

namespace MtaTls.ReverseProxy.Redis.Tests.Network;

/// <summary>
/// A host for each gateway, for Redis, for the balancer and for each agent, as network namespaces around one router. This process is outside: the public, and the operator.
/// <code>
///   [ this host ] 10.N.0.1 ---- 10.N.0.2 [ router ] 10.N.k.1 ---- 10.N.k.2 [ redis | balancer | gw-0 ... | agent-0 ... ]
/// </code>
/// What is cut vanishes in the router, without a word to anybody.
/// </summary>
internal sealed class ClusterNetwork : IDisposable
{
    private const int FirstGateway = 11;
    private const int FirstAgent = 101;

    private readonly string _id = Random.Shared.Next(0x10000).ToString("x4", CultureInfo.InvariantCulture);
    private readonly List<string> _hosts = [];
    private string _prefix = "";

    private ClusterNetwork()
    {
    }

    public string Redis => Host("redis");

    public string Balancer => Host("lb");

    private string Router => Host("router");

    /// <summary>Makes it, or skips the test where that is not possible.</summary>
    public static ClusterNetwork Create(int gateways = 3, int agents = 1)
    {
        ClusterNetwork network = new();
        string? whyNot = NetworkCommands.WhyNot(() => network.Build(gateways, agents));
        if (whyNot is not null)
        {
            network.Dispose();
            Assert.Skip(whyNot);
        }

        return network;
    }

    public string Gateway(int index) => Host($"gw{index}");

    public string Agent(int index = 0) => Host($"agent{index}");

    /// <summary>The address of a host.</summary>
    public string AddressOf(string host) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}.{NumberOf(host)}.2");

    /// <summary>Connects from a host.</summary>
    public static async ValueTask<Stream> ConnectAsync(string host, DnsEndPoint endPoint, CancellationToken cancellationToken)
    {
        Socket socket = NamespaceSockets.Run(host, static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
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

    /// <summary>From now on nothing passes between two hosts.</summary>
    public void Cut(string one, string other)
    {
        foreach ((string from, string to) in ((string, string)[])[(AddressOf(one), AddressOf(other)), (AddressOf(other), AddressOf(one))])
        {
            NetworkCommands.Nft(Router, $"add rule ip cut f ip saddr {from} ip daddr {to} tcp flags & (syn | ack) == syn counter drop; add rule ip cut f ip saddr {from} ip daddr {to} drop");
        }
    }

    /// <summary>From now on nothing passes between a host and those in its neighbourhood; this process still reaches it.</summary>
    public void CutOff(string host)
        => NetworkCommands.Nft(Router, $"add rule ip cut f ip saddr {AddressOf(host)} ip daddr != {_prefix}.0.1 drop; add rule ip cut f ip daddr {AddressOf(host)} ip saddr != {_prefix}.0.1 drop");

    /// <summary>Everything passes again.</summary>
    public void Mend() => NetworkCommands.Nft(Router, "flush chain ip cut f");

    /// <summary>How many attempts to connect <see cref="Cut"/> has dropped, those that the kernel has made again included.</summary>
    public int Attempts()
        => NetworkCommands.In(Router, "nft", "list", "chain", "ip", "cut", "f").Split('\n')
            .Where(static line => line.Contains("counter packets", StringComparison.Ordinal))
            .Sum(static line => int.Parse(line.Split("counter packets ")[1].Split(' ')[0], CultureInfo.InvariantCulture));

    public void Dispose() => _hosts.ForEach(NetworkCommands.Delete);

    private string Host(string name) => $"mtc-{_id}-{name}";

    private int NumberOf(string host) => host[(host.LastIndexOf('-') + 1)..] switch
    {
        "redis" => 1,
        "lb" => 2,
        ['g', 'w', .. string number] => FirstGateway + int.Parse(number, CultureInfo.InvariantCulture),
        ['a', 'g', 'e', 'n', 't', .. string number] => FirstAgent + int.Parse(number, CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"There is no host {host}.", nameof(host)),
    };

    private void Build(int gateways, int agents)
    {
        Add(Router);
        NetworkCommands.Write(Router, "ipv4/ip_forward", 1);
        NetworkCommands.Nft(Router, "add table ip cut; add chain ip cut f { type filter hook forward priority 0; }");
        FindPrefix();
        foreach (string host in (string[])[Redis, Balancer, .. Enumerable.Range(0, gateways).Select(Gateway), .. Enumerable.Range(0, agents).Select(Agent)])
        {
            Add(host);
            string network = string.Create(CultureInfo.InvariantCulture, $"{_prefix}.{NumberOf(host)}");
            NetworkCommands.Link((Router, string.Create(CultureInfo.InvariantCulture, $"h{NumberOf(host)}"), $"{network}.1/24"), (host, "eth0", $"{network}.2/24"));
            NetworkCommands.Ip($"-n {host} route add default via {network}.1");
        }
    }

    /// <summary>Takes addresses that this host has no other use for.</summary>
    private void FindPrefix()
    {
        for (int attempt = 1; ; attempt++)
        {
            _prefix = string.Create(CultureInfo.InvariantCulture, $"10.{Random.Shared.Next(110, 199)}");
            string device = string.Create(CultureInfo.InvariantCulture, $"mtc{_id}{attempt}");
            NetworkCommands.LinkToHost(device, $"{_prefix}.0.1/30", (Router, $"out{attempt}", $"{_prefix}.0.2/30"));
            try
            {
                NetworkCommands.Ip($"route add {_prefix}.0.0/16 via {_prefix}.0.2 dev {device}");
                return;
            }
            catch (InvalidOperationException) when (attempt < 10)
            {
                // Another network of this kind has it.
                NetworkCommands.Ip($"link delete {device}");
            }
        }
    }

    private void Add(string host)
    {
        _hosts.Add(host);
        NetworkCommands.Add(host);
    }
}
