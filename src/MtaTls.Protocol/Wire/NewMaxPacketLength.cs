namespace MtaTls.Protocol;

/// <summary>Packet 7 (section 2.2): the most octets of data in a packet that its sender accepts from now on.</summary>
internal readonly record struct NewMaxPacketLength(ChannelId ChannelId, uint MaxPacketLength)
{
    public const int Size = PacketHeader.Size + 8;

    public static NewMaxPacketLength Read(ReadOnlySpan<byte> body)
    {
        var reader = new PacketReader(PacketType.NewMaxPacketLength, body);
        var packet = new NewMaxPacketLength(reader.ReadChannelId(), reader.ReadUInt32());
        reader.End();
        return packet;
    }

    public int Write(Span<byte> buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.NewMaxPacketLength, Size - PacketHeader.Size);
        writer.WriteUInt32(ChannelId.Value);
        writer.WriteUInt32(MaxPacketLength);
        return writer.Written;
    }
}
