namespace MtaTls.Protocol;

/// <summary>Packet 3 (section 2.1.1): the receiver of the request refuses to open the channel.</summary>
internal readonly ref struct ChannelRequestEchec
{
    /// <summary>The longest error, 2^16-6 octets.</summary>
    public const int MaxErrorLength = 65_530;

    public ushort SenderChannelId { get; init; }

    /// <summary>A description of the error in UTF-8.</summary>
    public ReadOnlySpan<byte> Error { get; init; }

    /// <summary>The length of the whole packet in octets.</summary>
    public int Size => PacketHeader.Size + 4 + Error.Length;

    public static ChannelRequestEchec Read(ReadOnlySpan<byte> body)
    {
        var reader = new PacketReader(PacketType.ChannelRequestEchec, body);
        var packet = new ChannelRequestEchec { SenderChannelId = reader.ReadUInt16(), Error = reader.ReadVector(minLength: 0) };
        reader.End();
        return packet;
    }

    public int Write(Span<byte> buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.ChannelRequestEchec, Size - PacketHeader.Size);
        writer.WriteUInt16(SenderChannelId);
        writer.WriteVector(Error);
        return writer.Written;
    }
}
