namespace MtaTls.Protocol.Tests;

/// <summary>Compares each packet with octets that are written by hand (sections 2.1.1 to 2.3, docs/mta-tls-wire.md "Packets").</summary>
public class PacketTests
{
    [Fact]
    public void ChannelEstablishmentRequest_is_packet_1()
    {
        byte[] octets =
        [
            1, 0, 36,
            0x00, 0x05,                                                        // sender_channel_id
            0x00, 0x04, 0x00, 0x00,                                            // sender_window_length
            0x00, 0x00, 0x3F, 0xF7,                                            // sender_max_packet_length
            0, 9, (byte)'1', (byte)'9', (byte)'2', (byte)'.', (byte)'0', (byte)'.', (byte)'2', (byte)'.', (byte)'1',
            0x9C, 0x40,                                                        // source_port
            0, 7, (byte)'a', (byte)'.', (byte)'l', (byte)'o', (byte)'c', (byte)'a', (byte)'l',
            0x00, 0x50,                                                        // destination_port
        ];
        octets[2] = (byte)(octets.Length - 3);
        var packet = ChannelEstablishmentRequest.Read(octets.AsSpan(3));
        Assert.Equal(5, packet.SenderChannelId);
        Assert.Equal(262_144u, packet.SenderWindowLength);
        Assert.Equal(16_375u, packet.SenderMaxPacketLength);
        Assert.Equal("192.0.2.1"u8.ToArray(), packet.SourceAddressMachine.ToArray());
        Assert.Equal(40_000, packet.SourcePort);
        Assert.Equal("a.local"u8.ToArray(), packet.DestinationAddressMachine.ToArray());
        Assert.Equal(80, packet.DestinationPort);

        byte[] written = new byte[packet.Size];
        Assert.Equal(octets.Length, packet.Write(written));
        Assert.Equal(octets, written);
        AssertEveryOtherLengthIsMalformed(octets.AsSpan(3), static body => ChannelEstablishmentRequest.Read(body));
    }

    [Theory]
    [InlineData(13)]   // the source's length
    [InlineData(18)]   // the destination's length, after a source of one octet and its port
    public void ChannelEstablishmentRequest_with_an_empty_address_is_malformed(int zeroAt)
    {
        byte[] body = [0, 5, 0, 4, 0, 0, 0, 0, 0x3F, 0xF7, 0, 1, (byte)'a', 0, 1, 0, 1, (byte)'b', 0, 2];
        _ = ChannelEstablishmentRequest.Read(body);
        byte[] empty = zeroAt == 13 ? [.. body[..11], 0, .. body[13..]] : [.. body[..16], 0, .. body[18..]];
        Assert.Throws<MtaTlsProtocolException>(() => { ChannelEstablishmentRequest.Read(empty); });
    }

    [Fact]
    public void ChannelEstablishmentSuccess_is_packet_2()
    {
        byte[] octets = [2, 0, 12, 0x00, 0x05, 0x80, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00];
        var packet = ChannelEstablishmentSuccess.Read(octets.AsSpan(3));
        Assert.Equal(new(new ChannelId(0x0005_8001), 65_536, 4_096), packet);
        Assert.Equal(5, packet.ChannelId.Sender);
        Assert.Equal(0x8001, packet.ChannelId.Receiver);
        AssertWrites(octets, packet.Write);
        AssertEveryOtherLengthIsMalformed(octets.AsSpan(3), static body => ChannelEstablishmentSuccess.Read(body));
    }

    [Fact]
    public void ChannelRequestEchec_is_packet_3()
    {
        byte[] octets = [3, 0, 6, 0x00, 0x05, 0, 2, (byte)'n', (byte)'o'];
        var packet = ChannelRequestEchec.Read(octets.AsSpan(3));
        Assert.Equal(5, packet.SenderChannelId);
        Assert.Equal("no"u8.ToArray(), packet.Error.ToArray());
        byte[] written = new byte[packet.Size];
        Assert.Equal(octets.Length, packet.Write(written));
        Assert.Equal(octets, written);
        AssertEveryOtherLengthIsMalformed(octets.AsSpan(3), static body => ChannelRequestEchec.Read(body));

        Assert.Equal(0, ChannelRequestEchec.Read([0, 5, 0, 0]).Error.Length);
        byte[] longest = [0, 5, 0xFF, 0xFA, .. new byte[65_530]];
        Assert.Equal(65_534, longest.Length);
        Assert.Equal(65_530, ChannelRequestEchec.Read(longest).Error.Length);
    }

    [Fact]
    public void ChannelCloseRequest_is_packet_4()
    {
        byte[] octets = [4, 0, 4, 0x00, 0x05, 0x80, 0x01];
        Assert.Equal(new ChannelId(0x0005_8001), ChannelCloseRequest.Read(octets.AsSpan(3)).ChannelId);
        AssertWrites(octets, new ChannelCloseRequest(new ChannelId(0x0005_8001)).Write);
        AssertEveryOtherLengthIsMalformed(octets.AsSpan(3), static body => ChannelCloseRequest.Read(body));
    }

    [Fact]
    public void ChannelCloseConfirmation_is_packet_5()
    {
        byte[] octets = [5, 0, 4, 0x00, 0x05, 0x80, 0x01];
        Assert.Equal(new ChannelId(0x0005_8001), ChannelCloseConfirmation.Read(octets.AsSpan(3)).ChannelId);
        AssertWrites(octets, new ChannelCloseConfirmation(new ChannelId(0x0005_8001)).Write);
        AssertEveryOtherLengthIsMalformed(octets.AsSpan(3), static body => ChannelCloseConfirmation.Read(body));
    }

    [Fact]
    public void MTATLSPlaintext_is_packet_6_and_its_length_has_four_octets_and_counts_data_alone()
    {
        byte[] octets = [6, 0, 0, 0, 3, 0x00, 0x05, 0x80, 0x01, (byte)'a', (byte)'b', (byte)'c'];
        Assert.True(PacketHeader.TryRead(octets, out PacketHeader header));
        Assert.Equal(new PacketHeader(PacketType.Plaintext, 3), header);
        Assert.True(Plaintext.TryRead(octets, header, out Plaintext packet));
        Assert.Equal(new Plaintext(new ChannelId(0x0005_8001), 3), packet);
        AssertWrites(octets[..9], packet.Write);
        for (int length = 0; length < 9; length++)
        {
            Assert.False(PacketHeader.TryRead(octets.AsSpan(0, length), out header) && Plaintext.TryRead(octets.AsSpan(0, length), header, out _));
        }
    }

    [Fact]
    public void NewMaxPacketLength_is_packet_7()
    {
        byte[] octets = [7, 0, 8, 0x00, 0x05, 0x80, 0x01, 0x00, 0x00, 0x20, 0x00];
        Assert.Equal(new(new ChannelId(0x0005_8001), 8_192), NewMaxPacketLength.Read(octets.AsSpan(3)));
        AssertWrites(octets, new NewMaxPacketLength(new ChannelId(0x0005_8001), 8_192).Write);
        AssertEveryOtherLengthIsMalformed(octets.AsSpan(3), static body => NewMaxPacketLength.Read(body));
    }

    [Fact]
    public void Acknowledgment_is_packet_8()
    {
        byte[] octets = [8, 0, 8, 0x00, 0x05, 0x80, 0x01, 0xFF, 0xFF, 0xFF, 0xFF];
        Assert.Equal(new(new ChannelId(0x0005_8001), uint.MaxValue), Acknowledgment.Read(octets.AsSpan(3)));
        AssertWrites(octets, new Acknowledgment(new ChannelId(0x0005_8001), uint.MaxValue).Write);
        AssertEveryOtherLengthIsMalformed(octets.AsSpan(3), static body => Acknowledgment.Read(body));
    }

    // It is an error of the channel, so the session handles it.
    [Fact]
    public void A_max_packet_length_of_zero_is_well_formed()
    {
        Assert.Equal(0u, ChannelEstablishmentRequest.Read([0, 5, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, (byte)'a', 0, 1, 0, 1, (byte)'b', 0, 2]).SenderMaxPacketLength);
        Assert.Equal(0u, ChannelEstablishmentSuccess.Read([0, 5, 0x80, 1, 0, 1, 0, 0, 0, 0, 0, 0]).ReceiverMaxPacketLength);
        Assert.Equal(0u, NewMaxPacketLength.Read([0, 5, 0x80, 1, 0, 0, 0, 0]).MaxPacketLength);
    }

    [Fact]
    public void Types_0_and_9_to_255_are_unknown()
    {
        for (int type = 0; type <= 255; type++)
        {
            byte[] octets = [(byte)type, 0, 4, 0, 0, 0, 0, 0, 0];
            if (type is >= 1 and <= 8)
            {
                Assert.True(PacketHeader.TryRead(octets, out _));
            }
            else
            {
                Assert.Throws<MtaTlsProtocolException>(() => PacketHeader.TryRead(octets, out _));
            }
        }
    }

    [Fact]
    public void A_data_packet_declares_at_most_16_MiB()
    {
        Assert.True(PacketHeader.TryRead([6, 1, 0, 0, 0], out PacketHeader header));
        Assert.Equal(16 * 1024 * 1024, header.Length);
        Assert.Throws<MtaTlsProtocolException>(() => PacketHeader.TryRead([6, 1, 0, 0, 1], out _));
        Assert.Throws<MtaTlsProtocolException>(() => PacketHeader.TryRead([6, 0xFF, 0xFF, 0xFF, 0xFF], out _));
    }

    [Fact]
    public void A_header_waits_for_all_its_octets()
    {
        Assert.False(PacketHeader.TryRead([], out _));
        Assert.False(PacketHeader.TryRead([4], out _));
        Assert.False(PacketHeader.TryRead([4, 0], out _));
        Assert.True(PacketHeader.TryRead([4, 0, 4], out _));
        Assert.False(PacketHeader.TryRead([6, 0, 0, 0], out _));
        Assert.True(PacketHeader.TryRead([6, 0, 0, 0, 0], out _));
    }

    private delegate int Writing(Span<byte> buffer);

    private delegate void Reading(ReadOnlySpan<byte> body);

    private static void AssertWrites(byte[] expected, Writing write)
    {
        byte[] buffer = new byte[expected.Length];
        Assert.Equal(expected.Length, write(buffer));
        Assert.Equal(expected, buffer);
    }

    private static void AssertEveryOtherLengthIsMalformed(ReadOnlySpan<byte> body, Reading read)
    {
        byte[] octets = body.ToArray();
        for (int length = 0; length < octets.Length; length++)
        {
            byte[] cut = octets[..length];
            Assert.Throws<MtaTlsProtocolException>(() => read(cut));
        }
        byte[] longer = [.. octets, 0];
        Assert.Throws<MtaTlsProtocolException>(() => read(longer));
    }
}
