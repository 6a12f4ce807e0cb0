using E = MtaTls.Protocol.ChannelEffects;
using L = MtaTls.Protocol.ChannelLifecycle;

namespace MtaTls.Protocol;

/// <summary>The state table of a channel: for each state and event, the next state and the effects.</summary>
internal static class ChannelTransitions
{
    private const E Ends = E.StopSending | E.EndInput;
    private const E Requests = E.StopSending | E.QueueCloseRequest;

    private static readonly (L Next, E Effects)[,] s_table =
    {
        // CloseWithData          Close                      Flushed                    Abort                      Written                PeerCloses                                                PeerConfirms                    SessionEnds
        { (L.Flushing, E.None),      (L.CloseQueued, Requests),  (L.Open, E.None),          (L.CloseQueued, Requests), (L.Open, E.None),          (L.Ended, Ends | E.QueueConfirmation | E.FreeId),     (L.Open, E.Violation),          (L.Ended, E.StopSending) },   // Open
        { (L.Flushing, E.None),      (L.CloseQueued, Requests),  (L.CloseQueued, Requests), (L.CloseQueued, Requests), (L.Flushing, E.None),      (L.Ended, Ends | E.QueueConfirmation | E.FreeId),     (L.Flushing, E.Violation),      (L.Ended, E.StopSending) },   // Flushing
        { (L.CloseQueued, E.None),   (L.CloseQueued, E.None),    (L.CloseQueued, E.None),   (L.CloseQueued, E.None),   (L.CloseSent, E.None),     (L.CrossedQueued, Ends | E.QueueConfirmation),        (L.CloseQueued, E.Violation),   (L.Ended, E.StopSending) },   // CloseQueued
        { (L.CloseSent, E.None),     (L.CloseSent, E.None),      (L.CloseSent, E.None),     (L.CloseSent, E.None),     (L.CloseSent, E.None),     (L.CrossedSent, Ends | E.QueueConfirmation),          (L.Ended, Ends | E.FreeId),     (L.Ended, E.StopSending) },   // CloseSent
        { (L.CrossedQueued, E.None), (L.CrossedQueued, E.None),  (L.CrossedQueued, E.None), (L.CrossedQueued, E.None), (L.CrossedSent, E.None),   (L.CrossedQueued, E.Ignore),                          (L.CrossedQueued, E.Violation), (L.Ended, E.StopSending) },   // CrossedQueued
        { (L.CrossedSent, E.None),   (L.CrossedSent, E.None),    (L.CrossedSent, E.None),   (L.CrossedSent, E.None),   (L.CrossedSent, E.None),   (L.CrossedSent, E.Ignore),                            (L.Ended, Ends | E.FreeId),     (L.Ended, E.StopSending) },   // CrossedSent
        { (L.Ended, E.None),         (L.Ended, E.None),          (L.Ended, E.None),         (L.Ended, E.None),         (L.Ended, E.None),         (L.Ended, E.Ignore),                                  (L.Ended, E.Ignore),            (L.Ended, E.None) },          // Ended
    };

    public static (ChannelLifecycle Next, ChannelEffects Effects) Next(ChannelLifecycle state, ChannelEvent what) => s_table[(int)state, (int)what];

    /// <summary>Whether data can still be sent and received in this state.</summary>
    public static bool Sends(ChannelLifecycle state) => state <= ChannelLifecycle.Flushing;
}
