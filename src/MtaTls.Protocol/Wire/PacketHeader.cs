using System.Buffers.Binary;

namespace MtaTls.Protocol;

/// <summary>The first octets of every packet (section 2.2): type and length.</summary>
/// <param name="Type">The packet's type.</param>
/// <param name="Length">Packets but type 6: the octets after the length field. Type 6: the octets of data, channel_id not counted.</param>
internal readonly record struct PacketHeader(PacketType Type, int Length)
{
    /// <summary>Type and two octets of length: the header of every packet but type 6.</summary>
    public const int Size = 3;

    /// <summary>Type, four octets of length and channel_id: what stands before the data of a packet 6.</summary>
    public const int DataSize = 9;

    /// <summary>The longest data that a packet 6 may declare before the byte stream counts as broken.</summary>
    public const int MaxDataLength = 16 * 1024 * 1024;

    /// <summary>Reads type and length.</summary>
    /// <returns>Whether there were enough octets: three, or five for a packet 6.</returns>
    /// <exception cref="MtaTlsProtocolException">The type is unknown or the length can't be right.</exception>
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
            throw new MtaTlsProtocolException($"Packet type {source[0]} is unknown.");
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
                throw new MtaTlsProtocolException($"A data packet declares {dataLength} octets; the most is {MaxDataLength}.");
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
