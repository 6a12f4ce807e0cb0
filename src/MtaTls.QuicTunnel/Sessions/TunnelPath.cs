using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>One QUIC connection as a path of a session.</summary>
internal sealed class TunnelPath(TunnelSession session, IQuicConnection connection, int number) : IQuicDatagramSource
{
    private const double LossWeight = 1.0 / 256;

    // An answer may take the peer's max_ack_delay (25 ms, RFC 9000 section 18.2) and a busy machine's hiccup longer than the round trip.
    private static readonly TimeSpan s_answerSlack = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan s_leastStall = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_mostStall = TimeSpan.FromSeconds(1);

    private volatile bool _isReportedUnavailable;
    private volatile bool _hasSendError;
    private volatile bool _isStalled;
    private volatile bool _isHarmful;
    private double _lossRate;

    public TunnelSession Session { get; } = session;

    public IQuicConnection Connection { get; } = connection;

    /// <summary>The path's number in its session: the lowest that was free.</summary>
    public int Number { get; } = number;

    /// <summary>The access network that the client's first report on this connection named.</summary>
    public AccessNetwork Access { get; set; }

    /// <summary>The client said that the access network is not available.</summary>
    public bool IsReportedUnavailable { get => _isReportedUnavailable; set => _isReportedUnavailable = value; }

    /// <summary>The operating system refuses to send.</summary>
    public bool HasSendError { get => _hasSendError; set => _hasSendError = value; }

    /// <summary>The peer does not answer: set and reset by the session's supervision.</summary>
    public bool IsStalled { get => _isStalled; set => _isStalled = value; }

    /// <summary>It answers, and is not used for a while because it does harm: set and reset by the session's supervision.</summary>
    public bool IsHarmful { get => _isHarmful; set => _isHarmful = value; }

    public PathHealth Health { get; } = new(session.TimeProvider);

    /// <summary>Whether its packets go over others while there are others.</summary>
    public bool IsLeft => IsReportedUnavailable || HasSendError || IsStalled || IsHarmful;

    /// <summary>The round robin's: the time that its packets have taken.</summary>
    public double TurnTime { get; set; }

    /// <summary>The lower, the more preferred.</summary>
    public long Preference { get; set; }

    /// <summary>Packets that came over this path since one came over another; the concentrator learns the client's preference from them.</summary>
    public int PacketsInRow { get; set; }

    /// <summary>The share of the last packets that was lost.</summary>
    public double LossRate => Volatile.Read(ref _lossRate);

    DatagramSlot? IQuicDatagramSource.Take() => Session.Take(this);

    void IQuicDatagramSource.OnAcknowledged(DatagramSlot slot)
    {
        NoteLoss(0);
        Session.Sending!.OnAcknowledged(slot);
    }

    void IQuicDatagramSource.OnLost(DatagramSlot slot)
    {
        NoteLoss(1);
        Session.Sending!.OnLost(slot);
    }

    void IQuicDatagramSource.OnReturned(DatagramSlot slot) => Session.Sending!.OnReturned(slot);

    /// <summary>What was lost until now counts no more.</summary>
    public void ForgetLoss() => Volatile.Write(ref _lossRate, 0);

    private void NoteLoss(double lost) => Volatile.Write(ref _lossRate, _lossRate + ((lost - _lossRate) * LossWeight));

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
