namespace MtaTls.QuicTunnel.Packets;

/// <summary>The EtherTypes that a tunnelled packet can have.</summary>
internal static class ProtocolType
{
    /// <summary>No packet: the datagram only fills a packet.</summary>
    public const ushort None = 0;

    /// <summary>A message on addresses between a client and a concentrator of this implementation (IEEE 802's first local experimental EtherType).</summary>
    public const ushort AddressMessage = 0x88B5;
    public const ushort IPv4 = 0x0800;
    public const ushort IPv6 = 0x86DD;
    public const ushort TransparentEthernetBridging = 0x6558;
}
