namespace MtaTls.QuicTunnel;

/// <summary>The concentrator's sessions, for the application: a service that <c>AddQuicTunnel</c> registers.</summary>
public interface ITunnelSessions
{
    /// <summary>The sessions now, those in their grace period included.</summary>
    IReadOnlyList<TunnelSessionInfo> List();

    /// <summary>Ends a session: its connections are closed and its id is unknown from now on.</summary>
    /// <param name="name">The session's <see cref="TunnelSessionInfo.Name"/>.</param>
    /// <returns>False when there is no such session (any more).</returns>
    bool End(string name);
}
