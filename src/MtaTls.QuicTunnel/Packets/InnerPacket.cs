using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>Checks packets that arrive through the tunnel.</summary>
internal static class InnerPacket
{
    /// <summary>Reads the packet's header. False, with the reason, if the tunnel must drop the packet.</summary>
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
