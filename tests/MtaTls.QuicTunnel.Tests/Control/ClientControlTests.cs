using MtaTls.QuicTunnel.Control;

namespace MtaTls.QuicTunnel.Tests.Control;

public sealed class ClientControlTests : IClientControlHandler
{
    private readonly List<string> _seen = [];

    void IClientControlHandler.OnSessionCreated(ReadOnlySpan<byte> sessionId) => _seen.Add($"created {Convert.ToHexString(sessionId)}");

    void IClientControlHandler.OnSessionJoined() => _seen.Add("joined");

    void IClientControlHandler.OnNegotiationRefused(QuicTunnelError error) => _seen.Add($"refused {error}");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Session_ID_answers_New_Session(bool fin)
    {
        var control = new ClientControl(this, 3, joining: false);
        control.OnStreamData(3, [0x02], fin: false);
        control.OnStreamData(3, [0x02, 0xAA, 0xBB], fin);
        Assert.Equal(["created AABB"], _seen);
    }

    [Fact]
    public void A_stream_end_without_a_TLV_answers_Join_Session()
    {
        new ClientControl(this, 3, joining: true).OnStreamData(3, [], fin: true);
        Assert.Equal(["joined"], _seen);
    }

    [Theory]
    [InlineData(0, QuicTunnelError.Unknown)]
    [InlineData(1, QuicTunnelError.UnknownSessionId)]
    [InlineData(2, QuicTunnelError.ConflictingState)]
    [InlineData(0x3fff, QuicTunnelError.Unknown)]
    public void A_reset_is_a_refusal_section_8_3(long code, QuicTunnelError expected)
    {
        new ClientControl(this, 3, joining: true).OnStreamReset(3, code);
        Assert.Equal([$"refused {expected}"], _seen);
    }

    [Theory]
    [InlineData(false, "0100", false)] // only a client sends New Session
    [InlineData(false, "0200", false)] // an empty id
    [InlineData(false, "", true)]
    [InlineData(false, "0205AA", true)]
    [InlineData(false, "0201AA00", false)]
    [InlineData(true, "0201AA", false)] // not an answer to a join
    public void Other_answers_close_the_connection(bool joining, string answer, bool fin) =>
        Assert.Throws<ControlViolationException>(() => new ClientControl(this, 3, joining).OnStreamData(3, Convert.FromHexString(answer), fin));

    [Fact]
    public void A_second_answer_or_another_stream_closes_the_connection()
    {
        var control = new ClientControl(this, 3, joining: false);
        control.OnStreamData(3, [2, 1, 7], fin: false);
        Assert.Throws<ControlViolationException>(() => control.OnStreamData(3, [2, 1, 8], fin: true));
        Assert.Throws<ControlViolationException>(() => control.OnStreamData(7, [0, 2, 0x10, 1], fin: true));
    }
}
