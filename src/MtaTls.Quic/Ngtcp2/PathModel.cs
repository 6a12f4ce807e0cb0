namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// Estimates the path from acknowledgements, as BBR does (draft-cheng-iccrg-delivery-rate-estimation): the largest delivery rate and the smallest round-trip time of
/// the recent past. Written on the loop's thread. Any thread may read <see cref="Rate"/>.
/// </summary>
internal sealed class PathModel
{
    /// <summary>A congestion window below this share of what a path holds interrupts the path. ProbeRTT of BBR leaves four packets in flight, or half of what the path holds.</summary>
    public const double InterruptedShare = 0.6;

    private const int RateSamples = 8;

    // The smallest round-trip time is that of one to two windows. A path with a constant queue is empty only while BBR measures the round-trip time, which ngtcp2 does every ten seconds.
    private const ulong LeastRound = 10_000_000, RttWindow = 10_500_000_000;

    // At the start, and as long as the rate grows, the limit in flight is larger than the estimate.
    private const int RoundsWithoutGrowth = 3;
    private const double Growth = 1.25, StartupGain = 1.6;

    // Acknowledgements arrive in groups, so a path needs this much more than its smallest round-trip time in flight to be full.
    private const double Slack = 0.25, LeastSlack = 10_000_000;
    private const long LeastInFlight = 16 * 1500;

    // So many losses in a round show that the path is full. The startup ends.
    private const int LossesOfFullPath = 3;

    // Packets leave at most this much faster than the path delivers, apart from a burst: a full window at once would overflow short queues of the network.
    private const double PacingGain = 1.25, StartupPacingGain = 2, BurstTime = 8_000_000;

    private readonly double[] _rates = new double[RateSamples];
    private int _index, _rounds;
    private ulong _roundEnd, _windowEnd;
    private ulong _least = ulong.MaxValue, _leastBefore = ulong.MaxValue;
    private double _rate, _fullRate;
    private bool _isLimited = true; // Whether all samples of this round were.
    private int _losses; // In this round.
    private ulong _startedAt; // When the startup ended.
    private double _sentUntil; // When the pacing rate has sent everything that was sent so far.

    /// <summary>The delivery rate in bytes per second; 0 before the first acknowledgement.</summary>
    public double Rate => Volatile.Read(ref _rate);

    /// <summary>The most bytes that may be in flight.</summary>
    public long MostInFlight
    {
        get
        {
            if (_rate == 0)
            {
                return long.MaxValue / 2;
            }

            double most = _rate / 1e9 * FullRtt;
            return Math.Max(LeastInFlight, (long)(IsStarting ? StartupGain * most : most));
        }
    }

    private double LeastRtt => Math.Min(_least, _leastBefore);

    /// <summary>The round-trip time of a path that is full, without a standing queue.</summary>
    private double FullRtt => LeastRtt + Math.Max(Slack * LeastRtt, LeastSlack);

    private bool IsStarting => _rounds < RoundsWithoutGrowth;

    /// <summary>Whether a congestion window is far smaller than what the path holds, as when BBR measures the round-trip time. Packets of such a time do not show the most that the path carries.</summary>
    public bool IsInterrupted(long window) => !IsStarting && window < _rate / 1e9 * LeastRtt * InterruptedShare;

    /// <summary>When the next packet may be sent, in nanoseconds.</summary>
    public ulong PacedUntil => (ulong)Math.Max(0, _sentUntil - BurstTime);

    /// <summary>A packet was sent.</summary>
    public void OnSent(long length, ulong now)
    {
        if (_rate > 0)
        {
            double least = 2 * LeastInFlight * 1e9 / LeastRtt;
            _sentUntil = Math.Max(_sentUntil, now) + (length * 1e9 / Math.Max(least, _rate * (IsStarting ? StartupPacingGain : PacingGain)));
        }
    }

    /// <summary>A datagram was lost. Returns whether it was sent during the startup, which itself overflows short queues of the network. Such a loss says nothing about the path.</summary>
    public bool OnLost(ulong sentAt, ulong now)
    {
        if (++_losses >= LossesOfFullPath && IsStarting)
        {
            (_fullRate, _rounds, _startedAt) = (_rate, RoundsWithoutGrowth, now);
        }

        return IsStarting || sentAt <= _startedAt;
    }

    /// <summary>Takes a sample from an acknowledged datagram.</summary>
    /// <param name="delivered">The bytes that the connection has delivered by now.</param>
    /// <param name="entry">The state when the datagram was sent.</param>
    /// <param name="now">The time now, in nanoseconds.</param>
    /// <param name="roundTrip">The smoothed round-trip time, in nanoseconds.</param>
    public void OnDelivered(long delivered, in DatagramLedger.Entry entry, ulong now, ulong roundTrip)
    {
        if (now <= entry.SentAt)
        {
            return;
        }

        ulong elapsed = now - entry.SentAt;
        if (now >= _windowEnd)
        {
            (_leastBefore, _least, _windowEnd) = (_least, elapsed, now + RttWindow);
        }

        _least = Math.Min(_least, elapsed);
        if (now >= _roundEnd)
        {
            EndRound(now);
            _roundEnd = now + Math.Max(roundTrip, LeastRound);
        }

        // A sender with little to send does not learn the most that the path carries, unless packets wait in the network all the same.
        _isLimited &= entry.IsLimited && elapsed < FullRtt;
        // When earlier acknowledgements were read late, their bytes are in the sample. Their time has to be as well.
        double rate = (delivered - entry.Delivered) * 1e9 / Math.Max(elapsed, now - Math.Min(now, entry.DeliveredAt));
        if (rate > _rates[_index])
        {
            _rates[_index] = rate;
            Publish();
        }
    }

    private void EndRound(ulong now)
    {
        _losses = 0;
        if (_isLimited && _rate <= _fullRate * Growth)
        {
            return; // The round showed nothing about the most that the path carries.
        }

        _isLimited = true;
        if (++_rounds == RoundsWithoutGrowth)
        {
            _startedAt = now;
        }

        if (_rate > _fullRate * Growth)
        {
            (_fullRate, _rounds) = (_rate, 0);
        }

        _index = (_index + 1) % RateSamples;
        _rates[_index] = 0;
        Publish();
    }

    private void Publish()
    {
        double most = 0;
        foreach (double sample in _rates)
        {
            most = Math.Max(most, sample);
        }

        Volatile.Write(ref _rate, most);
    }
}
