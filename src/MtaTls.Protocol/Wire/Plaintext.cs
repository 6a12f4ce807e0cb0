using System.Buffers.Binary;

namespace MtaTls.Protocol;

/// <summary>Packet 6, MTATLSPlaintext (section 2.2): data of a channel, the only packet under flow control. This type has its fields without the data.</summary>
internal readonly record struct Plaintext(ChannelId ChannelId, int Length)
{
    /// <summary>Reads the channel id after a header that <see cref="PacketHeader.TryRead"/> has read from the same octets.</summary>
    /// <returns>Whether there were enough octets.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, PacketHeader header, out Plaintext packet)
    {
        packet = default;
        if (source.Length < PacketHeader.DataSize)
        {
            return false;
        }

        packet = new(new ChannelId(BinaryPrimitives.ReadUInt32BigEndian(source[5..])), header.Length);
        return true;
    }

    public int Write(Span<byte> buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.Plaintext, Length);
        writer.WriteUInt32(ChannelId.Value);
        return writer.Written;
    }
}
