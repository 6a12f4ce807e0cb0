using MtaTls.Quic;
using MtaTls.QuicTunnel.Scheduling;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>One QUIC connection as a path of a session.</summary>
internal sealed class TunnelPath(TunnelSession session, IQuicConnection connection, int number, long startedAt)
{
    private const int DatagramEstimate = 1350;

    // An answer may take the peer's max_ack_delay (25 ms, RFC 9000 section 18.2) and a busy machine's hiccup longer than the round trip.
    private static readonly TimeSpan s_answerSlack = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan s_leastStall = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_mostStall = TimeSpan.FromSeconds(1);

    private volatile bool _isReportedUnavailable;
    private volatile bool _hasSendError;
    private volatile bool _isStalled;

    public TunnelSession Session { get; } = session;

    public IQuicConnection Connection { get; } = connection;

    /// <summary>The path's number in its session: the lowest that was free.</summary>
    public int Number { get; } = number;

    /// <summary>The time provider's timestamp at which the path joined.</summary>
    public long StartedAt { get; } = startedAt;

    /// <summary>The access network that the client's first report on this connection named.</summary>
    public AccessNetwork Access { get; set; }

    /// <summary>The client said that the access network is not available.</summary>
    public bool IsReportedUnavailable { get => _isReportedUnavailable; set => _isReportedUnavailable = value; }

    /// <summary>The operating system refuses to send.</summary>
    public bool HasSendError { get => _hasSendError; set => _hasSendError = value; }

    /// <summary>The peer does not answer: set and reset by the session's supervision.</summary>
    public bool IsStalled { get => _isStalled; set => _isStalled = value; }

    /// <summary>Whether its packets go over others while there are others.</summary>
    public bool IsLeft => IsReportedUnavailable || HasSendError || IsStalled;

    /// <summary>The weighted round robin's.</summary>
    public double Credit { get; set; }

    public PathLoad GetLoad() => new(
        Math.Max(1, Connection.SmoothedRtt.Ticks),
        Math.Max(1, Connection.CongestionWindow),
        Connection.BytesInFlight + ((long)Connection.QueuedDatagrams * DatagramEstimate));

    /// <summary>Whether the peer has not answered for longer than it should take: the path is taken for dead until it does.</summary>
    public bool IsOverdue(long now, TimeProvider timeProvider)
    {
        long since = Connection.UnansweredSinceTimestamp;
        if (since == 0)
        {
            return false;
        }

        TimeSpan age = timeProvider.GetElapsedTime(since, now);
        if (age < s_leastStall)
        {
            return false;
        }

        TimeSpan timeout = (2 * Connection.SmoothedRtt) + s_answerSlack;
        return age > (timeout > s_mostStall ? s_mostStall : timeout);
    }

    public TunnelPathState State => IsReportedUnavailable ? TunnelPathState.Unavailable : IsLeft ? TunnelPathState.Stalled : TunnelPathState.Active;
}
