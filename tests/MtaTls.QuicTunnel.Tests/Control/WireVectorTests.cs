using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Tests.Control;

/// <summary>The octets on the wire, written by hand from the draft. The expected values do not come from the code under test.</summary>
public sealed class WireVectorTests
{
    [Fact]
    public void New_Session_without_a_value_section_6_1_1() =>
        Assert.Equal("0100", Convert.ToHexString(Tlv.Encode(TlvType.NewSession, [])));

    [Fact]
    public void New_Session_with_a_value_section_6_1_1() =>
        Assert.Equal("010462756C6B", Convert.ToHexString(Tlv.Encode(TlvType.NewSession, "bulk"u8)));

    [Fact]
    public void Session_ID_section_6_1_2() =>
        Assert.Equal("0204A1B2C3D4", Convert.ToHexString(Tlv.Encode(TlvType.SessionId, [0xA1, 0xB2, 0xC3, 0xD4])));

    [Fact]
    public void Join_Session_section_6_1_3() =>
        Assert.Equal("0304A1B2C3D4", Convert.ToHexString(Tlv.Encode(TlvType.JoinSession, [0xA1, 0xB2, 0xC3, 0xD4])));

    [Theory]
    [InlineData(AccessNetwork.Gpp, 1, "00021001")]
    [InlineData(AccessNetwork.Gpp, 2, "00021002")]
    [InlineData(AccessNetwork.NonGpp, 1, "00022001")]
    [InlineData(AccessNetwork.NonGpp, 2, "00022002")]
    public void Access_Report_companion_section_7_1_1(AccessNetwork access, byte signal, string expected) =>
        Assert.Equal(expected, Convert.ToHexString(new AccessReport(access, (AccessSignal)signal).Encode()));

    [Theory]
    [InlineData("1F01", true)] // the reserved bits are ignored
    [InlineData("2002", true)]
    [InlineData("0001", false)]
    [InlineData("3001", false)]
    [InlineData("F002", false)]
    [InlineData("1000", false)]
    [InlineData("1003", false)]
    public void Access_Reports_of_unknown_networks_or_signals_are_ignored(string value, bool known) =>
        Assert.Equal(known, AccessReport.TryRead(Convert.FromHexString(value), out _));

    [Fact]
    public void The_longest_TLV_has_255_octets_of_value()
    {
        byte[] bytes = Tlv.Encode(TlvType.NewSession, new byte[255]);
        Assert.Equal(257, bytes.Length);
        Assert.Equal(0xFF, bytes[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => Tlv.Encode(TlvType.NewSession, new byte[256]));
    }

    [Fact]
    public void A_datagram_has_Protocol_Type_Packet_Tag_and_the_packet()
    {
        byte[] datagram = new byte[7];
        TunnelDatagram.WriteHeader(datagram, ProtocolType.IPv4, 0x0102);
        datagram[4] = 0x45;
        Assert.Equal("08000102450000", Convert.ToHexString(datagram));
        TunnelDatagram.WriteHeader(datagram, ProtocolType.IPv6, 0xFFFE);
        Assert.Equal("86DDFFFE450000", Convert.ToHexString(datagram));

        Assert.True(TunnelDatagram.TryRead(Convert.FromHexString("65581234AABB"), out ushort type, out ushort tag, out ReadOnlySpan<byte> packet));
        Assert.Equal(ProtocolType.TransparentEthernetBridging, type);
        Assert.Equal(0x1234, tag);
        Assert.Equal("AABB", Convert.ToHexString(packet));
        Assert.False(TunnelDatagram.TryRead(Convert.FromHexString("080000"), out _, out _, out _));
    }
}
