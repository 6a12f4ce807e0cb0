namespace MtaTls.QuicTunnel;

/// <summary>The packet interface.</summary>
public sealed class TunnelInterfaceOptions
{
    /// <summary>Default <see cref="TunnelInterfaceKind.Tun"/>.</summary>
    public TunnelInterfaceKind Kind { get; set; } = TunnelInterfaceKind.Tun;

    /// <summary>
    /// The device's name, 1 to 15 characters. Default <c>qt0</c>. One that exists is taken as it is: an administrator can make it beforehand
    /// (<c>ip tuntap add qt0 mode tun user app</c>), so that the application need not be root.
    /// </summary>
    public string Name { get; set; } = "qt0";

    /// <summary>The host's own addresses in the tunnel, with their prefix lengths: <c>10.99.0.1/24</c>, <c>fd99::1/64</c>. Required with <see cref="TunnelInterfaceKind.Tun"/>.</summary>
    public IList<string> Addresses { get; } = [];

    /// <summary>Networks that are routed into the tunnel besides those of <see cref="Addresses"/>: <c>10.0.0.0/8</c>, <c>::/0</c>. Default none.</summary>
    public IList<string> Routes { get; } = [];

    /// <summary>
    /// The largest packet in octets, 576 to 65,535; IPv6 needs 1,280. Default 1,280: fits with its heads into a QUIC datagram wherever 1,500 octets pass, and is what IPv6 needs.
    /// </summary>
    public int Mtu { get; set; } = 1280;

    /// <summary>Queues of the TUN device, each with a thread of its own: 1 to 16. Default 1; more help where one processor cannot read all that the host sends.</summary>
    public int Queues { get; set; } = 1;

    /// <summary>
    /// Whether the host and the TUN device hand over several packets of a flow in one piece (TSO and GRO; for UDP with Linux 6.2 or later). Default true. Set it to false where the host's packets are looked at
    /// on the device and pieces of up to 64 KiB are in the way.
    /// </summary>
    public bool Offload { get; set; } = true;

    /// <summary>
    /// A program, by its full path, and its arguments, which runs when the TUN device has its addresses, and again when these change or the device was made anew: for name servers and routes. The variables
    /// <c>TUNNEL_INTERFACE</c>, <c>TUNNEL_ADDRESSES</c> (with prefix lengths, separated by spaces), <c>TUNNEL_MTU</c> and <c>TUNNEL_HOOK</c> (<c>up</c> or <c>down</c>) say for what. It has 30 seconds; when it fails,
    /// an error is logged. Default none.
    /// </summary>
    public IList<string> Up { get; } = [];

    /// <summary>The same before the device is closed. Default none.</summary>
    public IList<string> Down { get; } = [];

    /// <summary>Packets that wait in an <see cref="InMemoryPacketInterface"/> to be read, 1 to 65,536; further ones are dropped. Default 1,024.</summary>
    public int QueueLength { get; set; } = 1024;
}
