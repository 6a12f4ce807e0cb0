using System.Buffers.Binary;

namespace MtaTls.Protocol;

/// <summary>The first octets of every packet (section 2.2): type and length.</summary>
/// <param name="Type">The packet's type.</param>
/// <param name="Length">For type 6: the octets of data, without channel_id. For all other types: the octets after the length field.</param>
internal readonly record struct PacketHeader(PacketType Type, int Length)
{
    /// <summary>Type (1) and length (2): the header of every packet except type 6, in octets.</summary>
    public const int Size = 3;

    /// <summary>Type (1), length (4) and channel_id (4): the octets before the data of a packet 6.</summary>
    public const int DataSize = 9;

    /// <summary>The most octets of data that a packet 6 can declare. A larger length is an error of the packet layer.</summary>
    public const int MaxDataLength = 16 * 1024 * 1024;

    /// <summary>Reads type and length.</summary>
    /// <returns>Whether there were enough octets: three, or five for a packet 6.</returns>
    /// <exception cref="MtaTlsProtocolException">The type is unknown, or the length is above <see cref="MaxDataLength"/>.</exception>
    public static bool TryRead(ReadOnlySpan<byte> source, out PacketHeader header)
    {
        header = default;
        if (source.IsEmpty)
        {
            return false;
        }

        var type = (PacketType)source[0];
        if (type is < PacketType.ChannelEstablishmentRequest or > PacketType.Acknowledgment)
        {
            throw new MtaTlsProtocolException($"The peer sent a packet of the unknown type {source[0]}.");
        }

        if (type == PacketType.Plaintext)
        {
            if (source.Length < 5)
            {
                return false;
            }

            uint dataLength = BinaryPrimitives.ReadUInt32BigEndian(source[1..]);
            if (dataLength > MaxDataLength)
            {
                throw new MtaTlsProtocolException($"The peer sent a data packet with a length of {dataLength} octets; the limit is {MaxDataLength}.");
            }

            header = new(type, (int)dataLength);
            return true;
        }
        if (source.Length < Size)
        {
            return false;
        }

        header = new(type, BinaryPrimitives.ReadUInt16BigEndian(source[1..]));
        return true;
    }
}
