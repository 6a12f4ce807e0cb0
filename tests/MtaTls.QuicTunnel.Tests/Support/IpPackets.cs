using System.Buffers.Binary;
using System.Net;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Tests.Support;

/// <summary>Builds IP packets.</summary>
internal static class IpPackets
{
    public static byte[] Udp(string source, string destination, ReadOnlySpan<byte> payload, byte hopLimit = 64)
    {
        byte[] udp = new byte[8 + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(udp, 4000);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(2), 5000);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(4), (ushort)udp.Length);
        payload.CopyTo(udp.AsSpan(8));
        return Wrap(source, destination, 17, udp, hopLimit);
    }

    public static byte[] Udp(string source, string destination, int payloadLength) => Udp(source, destination, new byte[payloadLength]);

    public static byte[] Wrap(string source, string destination, byte protocol, ReadOnlySpan<byte> payload, byte hopLimit = 64, byte[]? options = null)
    {
        byte[] from = IPAddress.Parse(source).GetAddressBytes();
        byte[] to = IPAddress.Parse(destination).GetAddressBytes();
        byte[] packet;
        if (from.Length == 4)
        {
            int headerLength = 20 + (options?.Length ?? 0);
            packet = new byte[headerLength + payload.Length];
            packet[0] = (byte)(0x40 | (headerLength / 4));
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
            packet[6] = 0x40;
            packet[8] = hopLimit;
            packet[9] = protocol;
            from.CopyTo(packet, 12);
            to.CopyTo(packet, 16);
            options?.CopyTo(packet, 20);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Compute(packet.AsSpan(0, headerLength)));
            payload.CopyTo(packet.AsSpan(headerLength));
        }
        else
        {
            packet = new byte[40 + payload.Length];
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)payload.Length);
            packet[6] = protocol;
            packet[7] = hopLimit;
            from.CopyTo(packet, 8);
            to.CopyTo(packet, 24);
            payload.CopyTo(packet.AsSpan(40));
        }

        return packet;
    }

    public static byte[] Datagram(ushort tag, ReadOnlySpan<byte> packet)
    {
        byte[] datagram = new byte[4 + packet.Length];
        TunnelDatagram.WriteHeader(datagram, packet[0] >> 4 == 6 ? ProtocolType.IPv6 : ProtocolType.IPv4, tag);
        packet.CopyTo(datagram.AsSpan(4));
        return datagram;
    }
}
