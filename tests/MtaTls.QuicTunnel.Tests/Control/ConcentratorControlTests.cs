using FsCheck.Xunit;
using MtaTls.QuicTunnel.Control;

namespace MtaTls.QuicTunnel.Tests.Control;

public sealed class ConcentratorControlTests : IConcentratorControlHandler
{
    private readonly List<string> _seen = [];
    private readonly ConcentratorControl _control;

    public ConcentratorControlTests() => _control = new ConcentratorControl(this, 2, maxReportStreams: 2);

    void IConcentratorControlHandler.OnNewSession(ReadOnlySpan<byte> value) => _seen.Add($"new {Convert.ToHexString(value)}");

    void IConcentratorControlHandler.OnJoinSession(ReadOnlySpan<byte> sessionId) => _seen.Add($"join {Convert.ToHexString(sessionId)}");

    void IConcentratorControlHandler.OnRelayJoin(RelayJoin join) =>
        _seen.Add($"relay {join.Node} {(join.Identity is null ? "none" : Convert.ToHexString(join.Identity))} {Convert.ToHexString(join.SessionId)}");

    void IConcentratorControlHandler.OnPathLimit(int largestDatagram) => _seen.Add($"limit {largestDatagram}");

    void IConcentratorControlHandler.OnAccessReport(AccessReport report) => _seen.Add($"report {(int)report.Access} {(int)report.Signal}");

    [Theory]
    [InlineData("0100", "new ")]
    [InlineData("01020A0B", "new 0A0B")]
    [InlineData("0302ABCD", "join ABCD")]
    public void A_message_is_accepted_in_pieces_of_any_size(string message, string expected)
    {
        byte[] bytes = Convert.FromHexString(message);
        for (int i = 0; i < bytes.Length; i++)
        {
            Assert.Empty(_seen);
            _control.OnStreamData(2, bytes.AsSpan(i, 1), fin: i == bytes.Length - 1);
        }

        Assert.Equal([expected], _seen);
    }

    [Fact]
    public void A_client_that_leaves_its_control_stream_open_is_tolerated()
    {
        Feed(2, "0100", fin: false);
        Assert.Equal(["new "], _seen);
        Feed(2, "", fin: true);
    }

    [Theory]
    [InlineData("0204AABBCCDD")] // only the concentrator sends Session ID
    [InlineData("00021001")] // an Access Report needs another stream
    [InlineData("0400")]
    [InlineData("FF")] // the type alone is a violation
    [InlineData("0300")] // an empty session id
    [InlineData("01000100")] // twice
    [InlineData("01000302AABB")]
    public void Other_messages_on_the_control_stream_close_the_connection(string message) =>
        Assert.Equal(QuicTunnelError.ProtocolViolation, Assert.Throws<ControlViolationException>(() => Feed(2, message, fin: false)).Error);

    [Theory]
    [InlineData("")]
    [InlineData("01")]
    [InlineData("0105AABB")]
    public void A_control_stream_that_ends_before_its_message_is_complete_closes_the_connection(string message) =>
        Assert.Throws<ControlViolationException>(() => Feed(2, message, fin: true));

    [Fact]
    public void A_second_negotiation_closes_the_connection()
    {
        Feed(2, "0100", fin: false);
        Assert.Throws<ControlViolationException>(() => Feed(2, "0302AABB", fin: true));
        Assert.Equal(["new "], _seen);
    }

    [Fact]
    public void A_control_stream_that_is_reset_before_its_message_closes_the_connection()
    {
        Feed(2, "01", fin: false);
        Assert.Throws<ControlViolationException>(() => _control.OnStreamReset(2));
    }

    [Fact]
    public void An_Access_Report_counts_when_its_stream_has_ended()
    {
        Feed(6, "0002", fin: false);
        Feed(6, "2002", fin: false);
        Assert.Empty(_seen);
        Feed(6, "", fin: true);
        Assert.Equal(["report 2 2"], _seen);
    }

    [Fact]
    public void A_client_cancels_a_report_by_resetting_its_stream()
    {
        Feed(6, "00021002", fin: false);
        _control.OnStreamReset(6);
        Feed(10, "00021001", fin: true);
        Assert.Equal(["report 1 1"], _seen);
    }

    [Fact]
    public void Reports_of_unknown_networks_are_ignored()
    {
        Feed(6, "0002F001", fin: true);
        Feed(10, "00021001", fin: true);
        Assert.Equal(["report 1 1"], _seen);
    }

    [Theory]
    [InlineData("0100")] // New Session belongs on the control stream
    [InlineData("0302AABB")]
    [InlineData("000110")]
    [InlineData("0003100100")]
    [InlineData("0000")]
    [InlineData("0002100100")]
    [InlineData("000210")]
    [InlineData("")]
    public void Malformed_or_misplaced_reports_close_the_connection(string message) =>
        Assert.Throws<ControlViolationException>(() => Feed(6, message, fin: true));

    [Fact]
    public void Pending_reports_are_limited()
    {
        Feed(6, "00", fin: false);
        Feed(10, "00", fin: false);
        Assert.Equal(QuicTunnelError.LimitExceeded, Assert.Throws<ControlViolationException>(() => Feed(14, "00", fin: false)).Error);
    }

    // Between concentrators there are other messages than those of clients.
    [Theory]
    [InlineData("4027000467772D62000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20", "relay gw-b none 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20")]
    [InlineData("4028000467772D62000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F2021", "relay gw-b none 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F2021")]
    [InlineData("402720000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F0467772D6207", "relay gw-b 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F 07")]
    [InlineData("4000", null)]
    [InlineData("400100", null)]
    [InlineData("40020004", null)]
    [InlineData("4006000467772D62", null)] // no session id
    [InlineData("4007010467772D6207", null)] // an identity of another length
    [InlineData("4007000467FF2D6207", null)]
    [InlineData("4007000467002D6207", null)]
    [InlineData("4003000007", null)]
    [InlineData("40050041616161", null)]
    [InlineData("0100", null)]
    [InlineData("030107", null)]
    public void A_concentrator_sends_a_relayed_join(string message, string? seen)
    {
        var control = new ConcentratorControl(this, 2, maxReportStreams: 2, ofNode: true);
        if (seen is null)
        {
            Assert.Throws<ControlViolationException>(() => control.OnStreamData(2, Convert.FromHexString(message), fin: true));
            return;
        }

        control.OnStreamData(2, Convert.FromHexString(message), fin: true);
        control.OnStreamData(6, Convert.FromHexString("410203E8"), fin: true);
        control.OnStreamData(10, Convert.FromHexString("00022002"), fin: true);
        Assert.Equal([seen, "limit 1000", "report 2 2"], _seen);
        Assert.Throws<ControlViolationException>(() => control.OnStreamData(14, Convert.FromHexString("41010300"), fin: true));
        Assert.Throws<ControlViolationException>(() => control.OnStreamData(18, Convert.FromHexString("4103000000"), fin: true));
    }

    // A stream that was lost arrives after a newer one.
    [Fact]
    public void An_older_limit_does_not_replace_a_newer_one()
    {
        var control = new ConcentratorControl(this, 2, maxReportStreams: 2, ofNode: true);
        control.OnStreamData(10, Convert.FromHexString("41020578"), fin: true);
        control.OnStreamData(6, Convert.FromHexString("410204E2"), fin: true);
        control.OnStreamData(14, Convert.FromHexString("410203E8"), fin: true);
        Assert.Equal(["limit 1400", "limit 1000"], _seen);
    }

    [Theory]
    [InlineData(2, "4000")]
    [InlineData(6, "410203E8")]
    public void A_client_sends_no_message_of_concentrators(long stream, string message) =>
        Assert.Throws<ControlViolationException>(() => Feed(stream, message, fin: true));

    [Property(MaxTest = 500)]
    public bool Any_relayed_join_is_one_or_none(byte[] octets) => !RelayJoin.TryRead(octets, out RelayJoin? join) || join.Encode().AsSpan(Tlv.HeaderLength).SequenceEqual(octets);

    [Property(MaxTest = 500)]
    public bool Any_input_is_a_message_or_a_violation(byte[] octets, bool fin, byte cut)
    {
        var control = new ConcentratorControl(this, 2, 2);
        try
        {
            int at = octets.Length == 0 ? 0 : cut % octets.Length;
            control.OnStreamData(2, octets.AsSpan(0, at), fin: false);
            control.OnStreamData(2, octets.AsSpan(at), fin);
        }
        catch (ControlViolationException)
        {
            return true;
        }

        return control.Negotiated ? octets.Length == 2 + octets[1] && octets[0] is 1 or 3 : !fin;
    }

    private void Feed(long stream, string hex, bool fin) => _control.OnStreamData(stream, Convert.FromHexString(hex), fin);
}
