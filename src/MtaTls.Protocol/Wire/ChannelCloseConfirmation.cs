namespace MtaTls.Protocol;

/// <summary>Packet 5 (section 2.1.2): the answer to a ChannelCloseRequest.</summary>
internal readonly record struct ChannelCloseConfirmation(ChannelId ChannelId)
{
    public const int Size = PacketHeader.Size + 4;

    public static ChannelCloseConfirmation Read(ReadOnlySpan<byte> body)
    {
        var reader = new PacketReader(PacketType.ChannelCloseConfirmation, body);
        var packet = new ChannelCloseConfirmation(reader.ReadChannelId());
        reader.End();
        return packet;
    }

    public int Write(Span<byte> buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.ChannelCloseConfirmation, Size - PacketHeader.Size);
        writer.WriteUInt32(ChannelId.Value);
        return writer.Written;
    }
}
