namespace MtaTls.Protocol;

/// <summary>Packet 8 (section 2.2): the number of octets that became free in its sender's receive buffer and were not granted before.</summary>
internal readonly record struct Acknowledgment(ChannelId ChannelId, uint FreeSpace)
{
    public const int Size = PacketHeader.Size + 8;

    public static Acknowledgment Read(ReadOnlySpan<byte> body)
    {
        var reader = new PacketReader(PacketType.Acknowledgment, body);
        var packet = new Acknowledgment(reader.ReadChannelId(), reader.ReadUInt32());
        reader.End();
        return packet;
    }

    public int Write(Span<byte> buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.Acknowledgment, Size - PacketHeader.Size);
        writer.WriteUInt32(ChannelId.Value);
        writer.WriteUInt32(FreeSpace);
        return writer.Written;
    }
}
