namespace MtaTls.QuicTunnel.Packets;

/// <summary>The EtherTypes that a tunnelled packet can have.</summary>
internal static class ProtocolType
{
    /// <summary>No packet: the datagram only fills a packet.</summary>
    public const ushort None = 0;
    public const ushort IPv4 = 0x0800;
    public const ushort IPv6 = 0x86DD;
    public const ushort TransparentEthernetBridging = 0x6558;
}
