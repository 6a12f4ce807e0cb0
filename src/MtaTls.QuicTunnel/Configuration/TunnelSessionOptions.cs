namespace MtaTls.QuicTunnel;

/// <summary>The limits of sessions and connections.</summary>
public sealed class TunnelSessionOptions
{
    /// <summary>How long a session without a connection lives on, so that a client that has lost all its paths can come back. Default 1 minute, 0 to 1 day.</summary>
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Sessions, 1 to 1,000,000. Default 10,000.</summary>
    public int MaxSessions { get; set; } = 10_000;

    /// <summary>Connections (paths) of one session, 1 to 32. Default 8. One that does not answer makes way for a new one.</summary>
    public int MaxConnectionsPerSession { get; set; } = 8;

    /// <summary>Sessions of one identity, 1 to 1,000,000. Default 16. The oldest without a connection makes way for a new one.</summary>
    public int MaxSessionsPerIdentity { get; set; } = 16;

    /// <summary>Connections, those that have not joined a session included, 1 to 10,000,000. Default 20,000.</summary>
    public int MaxConnections { get; set; } = 20_000;

    /// <summary>Handshakes in flight, 1 to 1,000,000. Default 1,000.</summary>
    public int MaxHandshakes { get; set; } = 1_000;

    /// <summary>New Session and Join Session messages that are taken in one second, 1 to 1,000,000; further ones are refused. Default 1,000.</summary>
    public int MaxJoinsPerSecond { get; set; } = 1_000;

    /// <summary>Access Reports that one connection may have pending, 1 to 1,024. Default 8.</summary>
    public int MaxPendingReports { get; set; } = 8;

    /// <summary>A connection on which nothing comes for this long is lost. Default 30 s, 1 s to 1 h.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection that has not negotiated a session by then is closed. Default 10 s, 100 ms to 10 min.</summary>
    public TimeSpan NegotiationTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
