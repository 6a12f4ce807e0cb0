using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>The state table of a session, and the one value that tells how it ended.</summary>
public class SessionTransitionsTests
{
    [Fact]
    public void A_session_only_goes_forward()
    {
        foreach (SessionState state in Enum.GetValues<SessionState>())
        {
            foreach (SessionEvent what in Enum.GetValues<SessionEvent>())
            {
                SessionState target = what switch
                {
                    SessionEvent.Refuse => SessionState.Refusing,
                    SessionEvent.Complete => SessionState.Closing,
                    SessionEvent.CutOff => SessionState.CutOff,
                    _ => SessionState.Ended,
                };
                Assert.Equal((SessionState)Math.Max((int)state, (int)target), SessionTransitions.Next(state, what));
            }
        }
    }

    [Theory]
    [InlineData(MtaTlsSessionEnd.PeerClosed)]
    [InlineData(MtaTlsSessionEnd.Shutdown)]
    [InlineData(MtaTlsSessionEnd.Idle)]
    [InlineData(MtaTlsSessionEnd.ProtocolError)]
    [InlineData(MtaTlsSessionEnd.LimitExceeded)]
    [InlineData(MtaTlsSessionEnd.TransportLost)]
    [InlineData(MtaTlsSessionEnd.Aborted)]
    public async Task A_session_and_what_its_readers_get_say_how_it_ended(MtaTlsSessionEnd end)
    {
        await using var peer = RawPeer.Create(configure: o => (o.TimeProvider, o.Limits.MaxEmptyPacketsPerSecond) = (new FakeTimeProvider(), 10));
        MtaTlsChannel channel = await peer.OpenAsync();
        Assert.Null(peer.Session.End);
        switch (end)
        {
            case MtaTlsSessionEnd.PeerClosed:
                await peer.EndAsync();
                break;
            case MtaTlsSessionEnd.Shutdown or MtaTlsSessionEnd.Idle:
                Task shutdown = peer.Session.ShutdownAsync(end, new CancellationToken(canceled: true));
                await peer.SendAsync(RawPeer.Confirm((await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id));
                await peer.EndAsync();
                await shutdown.WaitAsync(SessionPair.HangTimeout);
                break;
            case MtaTlsSessionEnd.ProtocolError:
                await peer.SendAsync([9]);
                break;
            case MtaTlsSessionEnd.LimitExceeded:
                await peer.SendAsync([.. Enumerable.Repeat(RawPeer.Data(channel.Id), 11)]);
                break;
            case MtaTlsSessionEnd.TransportLost:
                await peer.BreakAsync();
                break;
            case MtaTlsSessionEnd.Aborted:
                peer.Session.Abort();
                break;
        }

        MtaTlsSessionLimit? limit = end == MtaTlsSessionEnd.LimitExceeded ? MtaTlsSessionLimit.MaxEmptyPacketsPerSecond : null;
        if (end is MtaTlsSessionEnd.PeerClosed or MtaTlsSessionEnd.Shutdown or MtaTlsSessionEnd.Idle)
        {
            await peer.Session.Completion.WaitAsync(SessionPair.HangTimeout);
        }
        else
        {
            MtaTlsSessionException failure = await peer.FailureAsync();
            Assert.Equal((end, limit), (failure.End, failure.Limit));
            failure = await Assert.ThrowsAsync<MtaTlsSessionException>(() => channel.Input.ReadAsync().AsTask());
            Assert.Equal((end, limit), (failure.End, failure.Limit));
        }

        Assert.Equal((end, limit), (peer.Session.End, peer.Session.EndLimit));
    }

    [Fact]
    public async Task Only_what_this_end_decides_can_be_given_to_a_shutdown()
    {
        await using var peer = RawPeer.Create();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => peer.Session.ShutdownAsync(MtaTlsSessionEnd.PeerClosed));
    }
}
