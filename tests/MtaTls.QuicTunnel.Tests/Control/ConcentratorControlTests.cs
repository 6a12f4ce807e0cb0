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

    void IConcentratorControlHandler.OnAccessReport(AccessReport report) => _seen.Add($"report {(int)report.Access} {(int)report.Signal}");

    [Theory]
    [InlineData("0100", "new ")]
    [InlineData("01020A0B", "new 0A0B")]
    [InlineData("0302ABCD", "join ABCD")]
    public void One_message_is_taken_however_it_is_cut(string message, string expected)
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
    [InlineData("0204AABBCCDD")] // Session ID is the concentrator's
    [InlineData("00021001")] // an Access Report needs another stream
    [InlineData("0400")]
    [InlineData("FF")] // already the type says it
    [InlineData("0300")] // an empty session id
    [InlineData("01000100")] // twice
    [InlineData("01000302AABB")]
    public void What_the_control_stream_must_not_carry_closes_the_connection(string message) =>
        Assert.Equal(QuicTunnelError.ProtocolViolation, Assert.Throws<ControlViolationException>(() => Feed(2, message, fin: false)).Error);

    [Theory]
    [InlineData("")]
    [InlineData("01")]
    [InlineData("0105AABB")]
    public void A_control_stream_that_ends_before_its_message_closes_the_connection(string message) =>
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
    public void Reports_of_unknown_networks_are_discarded_without_harm()
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

    [Property(MaxTest = 500)]
    public bool Whatever_comes_is_a_message_or_a_violation(byte[] octets, bool fin, byte cut)
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
