namespace MtaTls.QuicTunnel;

/// <summary>The interface between the tunnel and the host: a TUN device, or packets in memory.</summary>
public sealed class TunnelInterfaceOptions
{
    /// <summary>The kind of the interface.</summary>
    /// <value>Default: <see cref="TunnelInterfaceKind.Tun"/>.</value>
    public TunnelInterfaceKind Kind { get; set; } = TunnelInterfaceKind.Tun;

    /// <summary>
    /// The name of the device. To create the device, or to change <see cref="Addresses"/>, <see cref="Routes"/> or <see cref="Mtu"/> on it, the application needs <c>CAP_NET_ADMIN</c>. On an existing device, it
    /// changes only what differs from the settings. So an administrator can create it beforehand (<c>ip tuntap add qt0 mode tun user app</c>), and the application need not be root.
    /// </summary>
    /// <value>Default: <c>qt0</c>. 1 to 15 characters.</value>
    public string Name { get; set; } = "qt0";

    /// <summary>The host's own addresses in the tunnel, with their prefix lengths: <c>10.99.0.1/24</c>, <c>fd99::1/64</c>.</summary>
    /// <value>Default: empty. Required with <see cref="TunnelInterfaceKind.Tun"/>, except at a client with <see cref="QuicTunnelClientOptions.RequestAddresses"/>.</value>
    public IList<string> Addresses { get; } = [];

    /// <summary>Networks that are routed into the tunnel, in addition to those of <see cref="Addresses"/>: <c>10.0.0.0/8</c>, <c>::/0</c>.</summary>
    /// <value>Default: empty.</value>
    public IList<string> Routes { get; } = [];

    /// <summary>The largest packet in the tunnel, in bytes.</summary>
    /// <value>
    /// Default: 1,280, the minimum of IPv6; such a packet with all headers fits on every path that carries packets of 1,400 bytes. Range: 576 to 65,535. IPv6 addresses need at least 1,280.
    /// </value>
    public int Mtu { get; set; } = 1280;

    /// <summary>The number of queues of the TUN device, each with its own thread. More than one helps if one processor core cannot read all packets of the host.</summary>
    /// <value>Default: 1. Range: 1 to 16.</value>
    public int Queues { get; set; } = 1;

    /// <summary>
    /// Whether the host and the TUN device exchange several packets of a flow as one merged packet (TSO and GRO; for UDP with Linux 6.2 or later). Set it to false if programs capture packets on the device
    /// and cannot handle merged packets of up to 64 KiB.
    /// </summary>
    /// <value>Default: true.</value>
    public bool Offload { get; set; } = true;

    /// <summary>
    /// A program (its full path) and its arguments, for example to set name servers and routes. It runs when the TUN device has its addresses, and again when they change or the device was created again. It gets
    /// the environment variables <c>TUNNEL_INTERFACE</c>, <c>TUNNEL_ADDRESSES</c> (with prefix lengths, separated by spaces), <c>TUNNEL_MTU</c> and <c>TUNNEL_HOOK</c> (<c>up</c> or <c>down</c>). It may run for 30
    /// seconds. If it fails, an error is logged.
    /// </summary>
    /// <value>Default: empty, no program.</value>
    public IList<string> Up { get; } = [];

    /// <summary>A program like <see cref="Up"/> that runs before the TUN device is closed.</summary>
    /// <value>Default: empty, no program.</value>
    public IList<string> Down { get; } = [];

    /// <summary>The most packets that wait in an <see cref="InMemoryPacketInterface"/> to be read. Further ones are dropped.</summary>
    /// <value>Default: 1,024 packets. Range: 1 to 65,536.</value>
    public int QueueLength { get; set; } = 1024;
}
