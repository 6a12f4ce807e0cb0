namespace MtaTls.Protocol;

/// <summary>Packet 2 (section 2.1.1): the receiver of the request has opened the channel.</summary>
internal readonly record struct ChannelEstablishmentSuccess(ChannelId ChannelId, uint ReceiverWindowLength, uint ReceiverMaxPacketLength)
{
    public const int Size = PacketHeader.Size + 12;

    public static ChannelEstablishmentSuccess Read(ReadOnlySpan<byte> body)
    {
        var reader = new PacketReader(PacketType.ChannelEstablishmentSuccess, body);
        var packet = new ChannelEstablishmentSuccess(reader.ReadChannelId(), reader.ReadUInt32(), reader.ReadUInt32());
        reader.End();
        return packet;
    }

    public int Write(Span<byte> buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.ChannelEstablishmentSuccess, Size - PacketHeader.Size);
        writer.WriteUInt32(ChannelId.Value);
        writer.WriteUInt32(ReceiverWindowLength);
        writer.WriteUInt32(ReceiverMaxPacketLength);
        return writer.Written;
    }
}
