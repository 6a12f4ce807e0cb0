using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>One QUIC connection as a path of a session.</summary>
internal sealed class TunnelPath(TunnelSession session, IQuicConnection connection, int number) : IQuicDatagramSource
{
    private const double LossWeight = 1.0 / 256;

    // An answer may take longer than the round trip: by the peer's max_ack_delay (25 ms, RFC 9000, section 18.2), and by delays of busy machines.
    private static readonly TimeSpan s_answerSlack = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan s_leastStall = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_mostStall = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_lossHolds = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_lossFades = TimeSpan.FromSeconds(1);

    private volatile bool _isReportedUnavailable;
    private volatile bool _hasSendError;
    private volatile bool _isStalled;
    private volatile bool _isHarmful;
    private volatile bool _isRelayed;
    private volatile bool _hasCarried;
    private volatile int _relayLimit = int.MaxValue;
    private long _askedAt;
    private long _quietSince;
    private bool _wasAskedQuiet; // written by the checks alone
    private double _lossRate;
    private long _lossKnownAt;

    public TunnelSession Session { get; } = session;

    public IQuicConnection Connection { get; } = connection;

    /// <summary>The path's number in its session: the lowest free number when it joined.</summary>
    public int Number { get; } = number;

    /// <summary>The access network that the client has reported for this connection.</summary>
    public AccessNetwork Access { get; set; }

    /// <summary>Whether the client has reported that the access network is not available.</summary>
    public bool IsReportedUnavailable { get => _isReportedUnavailable; set => _isReportedUnavailable = value; }

    /// <summary>Whether the operating system refuses to send on the path.</summary>
    public bool HasSendError { get => _hasSendError; set => _hasSendError = value; }

    /// <summary>Whether the peer does not answer. Set and reset by <see cref="TunnelSession.CheckPaths"/>.</summary>
    public bool IsStalled { get => _isStalled; set => _isStalled = value; }

    /// <summary>Whether the path answers but is not used for a while, because it makes the tunnel worse. Set and reset by <see cref="TunnelSession.CheckPaths"/>.</summary>
    public bool IsHarmful { get => _isHarmful; set => _isHarmful = value; }

    /// <summary>Whether another concentrator relays the connection. Such a path carries packets only while no direct one works.</summary>
    public bool IsRelayed { get => _isRelayed; set => _isRelayed = value; }

    /// <summary>For a relayed path, the largest datagram of the connection behind the concentrator that relays, in bytes.</summary>
    public int RelayLimit { get => _relayLimit; set => _relayLimit = value; }

    /// <summary>The largest datagram that the path carries now, in bytes.</summary>
    public int MaxDatagramSize => Math.Min(Connection.MaxDatagramSize, RelayLimit);

    /// <summary>Whether <see cref="MaxDatagramSize"/> is final.</summary>
    public bool IsPathMtuSettled => Connection.IsPathMtuSettled || Connection.MaxDatagramSize >= RelayLimit;

    public PathHealth Health { get; } = new(session.TimeProvider);

    /// <summary>Whether packets avoid this path as long as another path works.</summary>
    public bool IsLeft => IsReportedUnavailable || HasSendError || IsStalled || IsHarmful;

    /// <summary>Whether the path is connected and its peer answers. It may still be left because it makes the tunnel worse.</summary>
    public bool IsAnswering => Connection.IsConnected && !IsReportedUnavailable && !HasSendError && !IsStalled;

    /// <summary>The turn time of the round-robin scheduler, in seconds: the transmission time of all packets of this path.</summary>
    public double TurnTime { get; set; }

    /// <summary>The preference of the path. Lower values are preferred.</summary>
    public long Preference { get; set; }

    /// <summary>Packets that arrived over this path since the last one over another path. The concentrator learns the client's preference from them.</summary>
    public int PacketsInRow { get; set; }

    /// <summary>The share of recent packets that were lost, 0 to 1. It fades while the path carries nothing, so that the scheduler tries the path again.</summary>
    public double LossRate
    {
        get
        {
            double rate = Volatile.Read(ref _lossRate);
            if (rate == 0)
            {
                return 0;
            }

            TimeSpan age = Session.TimeProvider.GetElapsedTime(Volatile.Read(ref _lossKnownAt));
            return age < s_lossHolds ? rate : rate * Math.Exp(-(age - s_lossHolds) / s_lossFades);
        }
    }

    DatagramSlot? IQuicDatagramSource.Take() => Session.Take(this);

    void IQuicDatagramSource.OnAcknowledged(DatagramSlot slot)
    {
        NoteLoss(0);
        Session.Sending!.OnAcknowledged(slot);
    }

    void IQuicDatagramSource.OnLost(DatagramSlot slot, bool isStarting)
    {
        if (!isStarting)
        {
            NoteLoss(1);
        }

        Session.Sending!.OnLost(slot);
    }

    void IQuicDatagramSource.OnReturned(DatagramSlot slot) => Session.Sending!.OnReturned(slot);

    /// <summary>Resets the loss rate.</summary>
    public void ForgetLoss() => Volatile.Write(ref _lossRate, 0);

    private void NoteLoss(double lost)
    {
        double rate = LossRate;
        Volatile.Write(ref _lossKnownAt, Session.TimeProvider.GetTimestamp());
        Volatile.Write(ref _lossRate, rate + ((lost - rate) * LossWeight));
    }

    /// <summary>Whether an answer of the peer is overdue. The path then counts as dead until the peer answers.</summary>
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

    /// <summary>Notes that packets have arrived over the path, so that <see cref="HasBecomeQuiet"/> notices when no more do.</summary>
    public void NoteCarried()
    {
        if (!_hasCarried)
        {
            _hasCarried = true;
            // The caller now reads whether the checks have ended. They say so before they read the flag for the last time.
            Interlocked.MemoryBarrier();
        }
    }

    /// <summary>Whether <see cref="HasBecomeQuiet"/> still has to find out whether more packets arrive, or an answer.</summary>
    public bool MayBecomeQuiet => _hasCarried || Volatile.Read(ref _quietSince) != 0;

    /// <summary>Whether packets have arrived over the path and then nothing for 100 ms. True once after each such packet.</summary>
    public bool HasBecomeQuiet(long now)
    {
        long since = Volatile.Read(ref _quietSince);
        if (_hasCarried)
        {
            _hasCarried = false;
            _wasAskedQuiet = false;
            // Later than the packet, which may have arrived after the checks began.
            Volatile.Write(ref _quietSince, Session.TimeProvider.GetTimestamp());
            return false;
        }

        if (since == 0)
        {
            return false;
        }

        bool hasReceived = Connection.LastReceivedTimestamp > since;
        TimeSpan quiet = Session.TimeProvider.GetElapsedTime(since, now);
        if (hasReceived && !_wasAskedQuiet)
        {
            // An acknowledgement, for example. It does not show that the path will carry the next packet.
            Volatile.Write(ref _quietSince, Session.TimeProvider.GetTimestamp());
            return false;
        }

        if (hasReceived || (_wasAskedQuiet && quiet > s_quiet + s_mostStall))
        {
            Volatile.Write(ref _quietSince, 0);
            return false;
        }

        // After that the checks go on until the answer comes or is overdue.
        bool asks = !_wasAskedQuiet && quiet >= s_quiet;
        _wasAskedQuiet |= asks;
        return asks;
    }

    /// <summary>Whether the path was not asked for at least the interval. If so, the caller asks it now.</summary>
    public bool MayAsk(long now, TimeSpan interval)
    {
        long before = Volatile.Read(ref _askedAt);
        return Session.TimeProvider.GetElapsedTime(before, now) >= interval && Interlocked.CompareExchange(ref _askedAt, now, before) == before;
    }

    public TunnelPathState State => IsReportedUnavailable ? TunnelPathState.Unavailable : IsLeft ? TunnelPathState.Stalled : TunnelPathState.Active;
}
