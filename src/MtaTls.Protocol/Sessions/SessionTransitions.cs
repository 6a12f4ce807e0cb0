namespace MtaTls.Protocol;

/// <summary>The transitions of <see cref="SessionState"/>.</summary>
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

    /// <summary>Returns how a session ended whose stream ended in order: by this end if it had sent close_notify first, otherwise by the peer.</summary>
    /// <param name="state">The state before the stream ended.</param>
    /// <param name="own">The reason with which this end ended it.</param>
    public static MtaTlsSessionEnd OrderlyEnd(SessionState state, MtaTlsSessionEnd own) => state >= SessionState.Closing ? own : MtaTlsSessionEnd.PeerClosed;
}
