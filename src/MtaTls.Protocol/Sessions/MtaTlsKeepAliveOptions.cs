namespace MtaTls.Protocol;

/// <summary>How this end detects that the peer no longer answers: TCP keep-alive detects lost connections, and pings also detect a process that hangs.</summary>
public sealed class MtaTlsKeepAliveOptions
{
    /// <summary>Whether TCP keep-alive of the operating system is on for the TCP connections of sessions, with the times <see cref="Interval"/> and <see cref="Timeout"/>.</summary>
    /// <value>Default: true.</value>
    public bool Tcp { get; set; } = true;

    /// <summary>Whether sessions send pings (docs/mta-tls-wire.md, "Signals").</summary>
    /// <value>Default: true for a client, false for a server.</value>
    public bool Ping { get; set; }

    /// <summary>The time without a received byte after which this end asks the peer for an answer.</summary>
    /// <value>Default: 15 seconds. Range: 1 second to 1 day.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan Interval { get; set => field = Ranges.Check(value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)); } = TimeSpan.FromSeconds(15);

    /// <summary>The time without a received byte, after this end has asked the peer, after which the session ends.</summary>
    /// <value>Default: 10 seconds. Range: 1 second to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan Timeout { get; set => field = Ranges.Check(value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);
}
