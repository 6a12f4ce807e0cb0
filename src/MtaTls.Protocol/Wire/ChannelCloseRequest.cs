namespace MtaTls.Protocol;

/// <summary>Packet 4 (section 2.1.2): its sender sends no more data on the channel and ignores data that still arrives.</summary>
internal readonly record struct ChannelCloseRequest(ChannelId ChannelId)
{
    public const int Size = PacketHeader.Size + 4;

    public static ChannelCloseRequest Read(ReadOnlySpan<byte> body)
    {
        var reader = new PacketReader(PacketType.ChannelCloseRequest, body);
        var packet = new ChannelCloseRequest(reader.ReadChannelId());
        reader.End();
        return packet;
    }

    public int Write(Span<byte> buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.ChannelCloseRequest, Size - PacketHeader.Size);
        writer.WriteUInt32(ChannelId.Value);
        return writer.Written;
    }
}
