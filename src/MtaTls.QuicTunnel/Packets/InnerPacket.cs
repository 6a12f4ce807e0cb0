using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>Checks the packets that come out of the tunnel.</summary>
internal static class InnerPacket
{
    /// <summary>Reads the packet's header. False when the tunnel carries no such packets, with the reason.</summary>
    public static bool TryRead(ushort protocolType, ReadOnlySpan<byte> packet, out IpHeader header, out DropReason reason)
    {
        header = default;
        reason = DropReason.UnsupportedProtocol;
        if (protocolType is not (ProtocolType.IPv4 or ProtocolType.IPv6))
        {
            return false;
        }

        if (!IpHeader.TryRead(packet, out header))
        {
            reason = DropReason.Malformed;
            return false;
        }

        return header.ProtocolType == protocolType;
    }
}
