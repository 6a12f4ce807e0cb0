namespace MtaTls.QuicTunnel;

/// <summary>The limits of sessions and connections.</summary>
public sealed class TunnelSessionOptions
{
    /// <summary>How long a session without a connection is kept, so that a client that has lost all its paths can join it again.</summary>
    /// <value>Default: 1 minute. Range: 0 to 1 day.</value>
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The most sessions at a time, including those in their grace period.</summary>
    /// <value>Default: 10,000 sessions. Range: 1 to 1,000,000.</value>
    public int MaxSessions { get; set; } = 10_000;

    /// <summary>The most connections (paths) of one session. A new one replaces one that does not answer.</summary>
    /// <value>Default: 8 connections. Range: 1 to 32.</value>
    public int MaxConnectionsPerSession { get; set; } = 8;

    /// <summary>The most sessions of one identity. A new one replaces the oldest one without a connection.</summary>
    /// <value>Default: 16 sessions. Range: 1 to 1,000,000.</value>
    public int MaxSessionsPerIdentity { get; set; } = 16;

    /// <summary>The most connections at a time, including those that have not joined a session. Further clients are refused.</summary>
    /// <value>Default: 20,000 connections. Range: 1 to 10,000,000.</value>
    public int MaxConnections { get; set; } = 20_000;

    /// <summary>The most handshakes at a time. Further clients are refused.</summary>
    /// <value>Default: 1,000 handshakes. Range: 1 to 1,000,000.</value>
    public int MaxHandshakes { get; set; } = 1_000;

    /// <summary>The most New Session and Join Session messages in one second. Further ones are refused.</summary>
    /// <value>Default: 1,000 messages per second. Range: 1 to 1,000,000.</value>
    public int MaxJoinsPerSecond { get; set; } = 1_000;

    /// <summary>The most Access Reports of one connection whose streams have not ended. A connection with more is closed.</summary>
    /// <value>Default: 8 reports. Range: 1 to 1,024.</value>
    public int MaxPendingReports { get; set; } = 8;

    /// <summary>The most Access Reports during one connection. The client then replaces the connection.</summary>
    /// <value>Default: 100,000 reports. Range: 1 to 999,999.</value>
    public int MaxReports { get; set; } = 100_000;

    /// <summary>A connection that receives no packet for this long is lost. The smaller value of both ends counts.</summary>
    /// <value>Default: 30 seconds. Range: 1 second to 1 hour.</value>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A handshake, or then the negotiation of a session, that takes longer is ended.</summary>
    /// <value>Default: 10 seconds. Range: 100 milliseconds to 10 minutes.</value>
    public TimeSpan NegotiationTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
