using E = MtaTls.Protocol.ChannelEffects;
using L = MtaTls.Protocol.ChannelLifecycle;
using V = MtaTls.Protocol.ChannelEvent;

namespace MtaTls.Protocol.Tests;

/// <summary>The state table of a channel, row by row and along every path.</summary>
public class ChannelTransitionsTests
{
    private static readonly L[] s_states = Enum.GetValues<L>();
    private static readonly V[] s_events = Enum.GetValues<V>();

    private static readonly (L State, V What, L Next, E Effects)[] s_rows =
    [
        // Section 2.1.2: the receiver of a request confirms at once, sends no more data, and lets its application read the data that had arrived.
        (L.Open, V.PeerCloses, L.Ended, E.StopSending | E.EndInput | E.QueueConfirmation | E.FreeId),
        (L.Flushing, V.PeerCloses, L.Ended, E.StopSending | E.EndInput | E.QueueConfirmation | E.FreeId),
        // An orderly close sends the request after the last data.
        (L.Open, V.Close, L.CloseQueued, E.StopSending | E.QueueCloseRequest),
        (L.Open, V.CloseWithData, L.Flushing, E.None),
        (L.Flushing, V.Flushed, L.CloseQueued, E.StopSending | E.QueueCloseRequest),
        // An abort sends the request at once.
        (L.Open, V.Abort, L.CloseQueued, E.StopSending | E.QueueCloseRequest),
        (L.Flushing, V.Abort, L.CloseQueued, E.StopSending | E.QueueCloseRequest),
        // A confirmation without a written request closes an open channel, and changes nothing on a closing one.
        (L.Open, V.PeerConfirms, L.Open, E.Violation),
        (L.Flushing, V.PeerConfirms, L.Flushing, E.Violation),
        (L.CloseQueued, V.PeerConfirms, L.CloseQueued, E.Violation),
        (L.CrossedQueued, V.PeerConfirms, L.CrossedQueued, E.Violation),
        (L.CloseQueued, V.Written, L.CloseSent, E.None),
        (L.CloseSent, V.PeerConfirms, L.Ended, E.StopSending | E.EndInput | E.FreeId),
        // Requests that cross are both confirmed. The id stays in use until this end's request is confirmed.
        (L.CloseQueued, V.PeerCloses, L.CrossedQueued, E.StopSending | E.EndInput | E.QueueConfirmation),
        (L.CloseSent, V.PeerCloses, L.CrossedSent, E.StopSending | E.EndInput | E.QueueConfirmation),
        (L.CrossedQueued, V.Written, L.CrossedSent, E.None),
        (L.CrossedSent, V.PeerConfirms, L.Ended, E.StopSending | E.EndInput | E.FreeId),
        (L.CrossedSent, V.PeerCloses, L.CrossedSent, E.Ignore),
    ];

    [Fact]
    public void What_the_draft_says()
    {
        foreach ((L state, V what, L next, E effects) in s_rows)
        {
            Assert.Equal((state, what, next, effects), (state, what, ChannelTransitions.Next(state, what).Next, ChannelTransitions.Next(state, what).Effects));
        }
    }

    [Fact]
    public void A_session_that_ends_ends_every_channel_and_frees_nothing()
    {
        foreach (L state in s_states)
        {
            (L next, E effects) = ChannelTransitions.Next(state, V.SessionEnds);
            Assert.Equal(L.Ended, next);
            Assert.Equal(E.None, effects & ~E.StopSending);
        }
    }

    [Fact]
    public void Whatever_happens_a_close_is_requested_confirmed_and_the_id_freed_once_at_most()
    {
        var seen = new HashSet<(L, bool, bool, bool, bool)>();
        var left = new Stack<(L State, bool Requested, bool Written, bool Confirmed, bool Freed)>([(L.Open, false, false, false, false)]);
        while (left.TryPop(out (L State, bool Requested, bool Written, bool Confirmed, bool Freed) at))
        {
            if (!seen.Add(at))
            {
                continue;
            }

            foreach (V what in s_events)
            {
                // Impossible: a request that is written before it is queued, or twice.
                if (what == V.Written && (!at.Requested || at.Written))
                {
                    continue;
                }

                (L next, E effects) = ChannelTransitions.Next(at.State, what);
                Assert.False(at.Requested && effects.HasFlag(E.QueueCloseRequest), $"{at} {what}");
                Assert.False(at.Confirmed && effects.HasFlag(E.QueueConfirmation), $"{at} {what}");
                Assert.False(at.Freed && effects.HasFlag(E.FreeId), $"{at} {what}");
                // After this end's request was written, the id stays in use until the confirmation.
                Assert.False(effects.HasFlag(E.FreeId) && at.Requested && what != V.PeerConfirms, $"{at} {what}");
                Assert.False(effects.HasFlag(E.FreeId) && what == V.PeerConfirms && !at.Written, $"{at} {what}");
                // An end that stops sending tells the peer, and sends no data afterwards.
                Assert.Equal(ChannelTransitions.Sends(at.State) && !ChannelTransitions.Sends(next), ChannelTransitions.Sends(at.State) && effects.HasFlag(E.StopSending));
                Assert.False(!ChannelTransitions.Sends(at.State) && ChannelTransitions.Sends(next), $"{at} {what}");
                Assert.True(next >= at.State, $"{at} {what}: back to {next}");
                left.Push((
                    next, at.Requested || effects.HasFlag(E.QueueCloseRequest), at.Written || what == V.Written, at.Confirmed || effects.HasFlag(E.QueueConfirmation),
                    at.Freed || effects.HasFlag(E.FreeId)));
            }
        }

        Assert.Equal(s_states, seen.Select(static at => at.Item1).Distinct().Order());
    }
}
