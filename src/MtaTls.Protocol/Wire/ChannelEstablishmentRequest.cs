namespace MtaTls.Protocol;

/// <summary>Packet 1 (section 2.1.1): the sender asks to open a channel. The addresses are not validated yet.</summary>
internal readonly ref struct ChannelEstablishmentRequest
{
    /// <summary>The octets of all fields except the two addresses: id, window, packet length, and for each address its length and port.</summary>
    private const int FixedLength = 2 + 4 + 4 + 2 + 2 + 2 + 2;

    public ushort SenderChannelId { get; init; }
    public uint SenderWindowLength { get; init; }
    public uint SenderMaxPacketLength { get; init; }
    public ReadOnlySpan<byte> SourceAddressMachine { get; init; }
    public ushort SourcePort { get; init; }
    public ReadOnlySpan<byte> DestinationAddressMachine { get; init; }
    public ushort DestinationPort { get; init; }

    /// <summary>The length of the whole packet in octets.</summary>
    public int Size => PacketHeader.Size + FixedLength + SourceAddressMachine.Length + DestinationAddressMachine.Length;

    public static ChannelEstablishmentRequest Read(ReadOnlySpan<byte> body)
    {
        var reader = new PacketReader(PacketType.ChannelEstablishmentRequest, body);
        var packet = new ChannelEstablishmentRequest
        {
            SenderChannelId = reader.ReadUInt16(),
            SenderWindowLength = reader.ReadUInt32(),
            SenderMaxPacketLength = reader.ReadUInt32(),
            SourceAddressMachine = reader.ReadVector(minLength: 1),
            SourcePort = reader.ReadUInt16(),
            DestinationAddressMachine = reader.ReadVector(minLength: 1),
            DestinationPort = reader.ReadUInt16(),
        };
        reader.End();
        return packet;
    }

    public int Write(Span<byte> buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.ChannelEstablishmentRequest, Size - PacketHeader.Size);
        writer.WriteUInt16(SenderChannelId);
        writer.WriteUInt32(SenderWindowLength);
        writer.WriteUInt32(SenderMaxPacketLength);
        writer.WriteVector(SourceAddressMachine);
        writer.WriteUInt16(SourcePort);
        writer.WriteVector(DestinationAddressMachine);
        writer.WriteUInt16(DestinationPort);
        return writer.Written;
    }
}
