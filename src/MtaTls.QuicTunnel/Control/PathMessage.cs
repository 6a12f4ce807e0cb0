using System.Buffers.Binary;

namespace MtaTls.QuicTunnel.Control;

/// <summary>
/// A message with which a concentrator that relays a connection tells the client about the path; the draft does not define one. It has the Protocol Type of <see cref="AddressMessage"/>.
/// <code>Kind(8) = 3 Flags(8): 1 = relayed Largest Datagram(16), 0 = not known yet</code>
/// </summary>
internal static class PathMessage
{
    public const byte Kind = 3, Relayed = 1;
    public const int Length = 4;

    public static void Write(Span<byte> message, int largestDatagram)
    {
        (message[0], message[1]) = (Kind, Relayed);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], (ushort)Math.Clamp(largestDatagram, 0, ushort.MaxValue));
    }

    public static bool TryRead(ReadOnlySpan<byte> message, out bool isRelayed, out int largestDatagram)
    {
        (isRelayed, largestDatagram) = (false, 0);
        if (message.Length != Length || message[0] != Kind)
        {
            return false;
        }

        isRelayed = (message[1] & Relayed) != 0;
        largestDatagram = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        return true;
    }
}
