namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// What the path carries and how long it takes, from what was acknowledged (as BBR does, draft-cheng-iccrg-delivery-rate-estimation): the most that arrived in a second, and the least round-trip time, of
/// the last while. Written on the loop's thread; the results may be read by all.
/// </summary>
internal sealed class PathModel
{
    private const int RateSamples = 8;
    private const ulong LeastRound = 10_000_000, RttWindow = 5_000_000_000;

    // At the beginning, and as long as the rate still grows, more of what is known may be under way.
    private const int RoundsWithoutGrowth = 3;
    private const double Growth = 1.25, StartupGain = 1.6;

    // Acknowledgements come in bunches: so much more than the least round-trip time is what a path needs to be full.
    private const double Slack = 0.25, LeastSlack = 10_000_000;
    private const long LeastInFlight = 16 * 1500;

    private readonly double[] _rates = new double[RateSamples];
    private int _index, _rounds;
    private ulong _roundEnd, _windowEnd;
    private ulong _least = ulong.MaxValue, _leastBefore = ulong.MaxValue;
    private double _rate, _fullRate;

    /// <summary>Bytes a second; 0 before the first arrived.</summary>
    public double Rate => Volatile.Read(ref _rate);

    /// <summary>The bytes that may be under way.</summary>
    public long MostInFlight
    {
        get
        {
            if (_rate == 0)
            {
                return long.MaxValue / 2;
            }

            double rtt = Math.Min(_least, _leastBefore);
            double most = _rate / 1e9 * (rtt + Math.Max(Slack * rtt, LeastSlack));
            return Math.Max(LeastInFlight, (long)(_rounds < RoundsWithoutGrowth ? StartupGain * most : most));
        }
    }

    /// <summary>A datagram was acknowledged.</summary>
    /// <param name="delivered">Bytes that have arrived by now.</param>
    /// <param name="deliveredBefore">Bytes that had arrived when it was sent.</param>
    /// <param name="sentAt">When it was sent, in nanoseconds.</param>
    /// <param name="now">The time.</param>
    /// <param name="roundTrip">The smoothed round-trip time.</param>
    public void OnDelivered(long delivered, long deliveredBefore, ulong sentAt, ulong now, ulong roundTrip)
    {
        if (now <= sentAt)
        {
            return;
        }

        ulong elapsed = now - sentAt;
        if (now >= _windowEnd)
        {
            (_leastBefore, _least, _windowEnd) = (_least, elapsed, now + RttWindow);
        }

        _least = Math.Min(_least, elapsed);
        if (now >= _roundEnd)
        {
            EndRound();
            _roundEnd = now + Math.Max(roundTrip, LeastRound);
        }

        double rate = (delivered - deliveredBefore) * 1e9 / elapsed;
        if (rate > _rates[_index])
        {
            _rates[_index] = rate;
            Publish();
        }
    }

    private void EndRound()
    {
        _rounds++;
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
