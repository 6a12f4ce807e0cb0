namespace MtaTls.QuicTunnel.Packets;

/// <summary>The values of the Protocol Type field of a tunnel datagram: EtherTypes.</summary>
internal static class ProtocolType
{
    /// <summary>The datagram has no packet; it is a path MTU probe.</summary>
    public const ushort None = 0;

    /// <summary>An address message between a client and a concentrator of this implementation (the first local experimental EtherType of IEEE 802).</summary>
    public const ushort AddressMessage = 0x88B5;
    public const ushort IPv4 = 0x0800;
    public const ushort IPv6 = 0x86DD;
    public const ushort TransparentEthernetBridging = 0x6558;
}
