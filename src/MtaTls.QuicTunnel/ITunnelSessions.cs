namespace MtaTls.QuicTunnel;

/// <summary>Lists and ends the concentrator's sessions. <c>AddQuicTunnel</c> registers this service.</summary>
public interface ITunnelSessions
{
    /// <summary>Lists the current sessions, including those in their grace period.</summary>
    /// <returns>One entry for each session, as it is at the time of the call.</returns>
    IReadOnlyList<TunnelSessionInfo> List();

    /// <summary>Ends a session. Its connections are closed (<see cref="QuicTunnelError.SessionEnded"/>), and its id is unknown from now on.</summary>
    /// <param name="name">The session's <see cref="TunnelSessionInfo.Name"/>.</param>
    /// <returns>True if the session was ended; false if there is no session with this name.</returns>
    bool End(string name);
}
