namespace MtaTls.Protocol;

/// <summary>The table of a session's life.</summary>
internal static class SessionTransitions
{
    public static SessionState Next(SessionState state, SessionEvent what)
    {
        SessionState target = what switch
        {
            SessionEvent.Refuse => SessionState.Refusing,
            SessionEvent.Complete => SessionState.Closing,
            SessionEvent.CutOff => SessionState.CutOff,
            SessionEvent.TransportEnds => SessionState.Ended,
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        };
        return target > state ? target : state;
    }

    /// <summary>How a session ends whose stream ended in order: by this end, if it had begun to.</summary>
    /// <param name="state">The state before the stream ended.</param>
    /// <param name="own">How this end was about to end it.</param>
    public static MtaTlsSessionEnd OrderlyEnd(SessionState state, MtaTlsSessionEnd own) => state >= SessionState.Closing ? own : MtaTlsSessionEnd.PeerClosed;
}
