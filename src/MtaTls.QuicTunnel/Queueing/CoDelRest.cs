using MtaTls.QuicTunnel.Scheduling;

namespace MtaTls.QuicTunnel.Queueing;

/// <summary>
/// When CoDel rests. While BBR measures the round-trip time of a path (ProbeRTT), packets wait, but no flow sends too much. CoDel rests until the path is full again. Each path starts a rest of its own, and
/// all of them together are bounded, so that windows that are small again and again never turn CoDel off. Not thread-safe: the send side locks it.
/// </summary>
/// <param name="ticksPerSecond">The frequency of the clock.</param>
internal sealed class CoDelRest(double ticksPerSecond)
{
    /// <summary>The share of the time that CoDel may rest.</summary>
    public const double Share = 0.3;

    /// <summary>The longest rest that may be saved up, in seconds.</summary>
    public const double Most = 1.2;

    // BBR waits for the acknowledgements of what is in flight, then 200 ms, then for further acknowledgements.
    private const double Pause = 0.3, RoundTripsOfPause = 2;

    private uint _interrupted; // A bit for each path.
    private double _left = Most;
    private long _leftAt, _until;

    /// <summary>Whether CoDel rests now.</summary>
    public bool IsResting(long now) => now < _until;

    /// <summary>Notes whether a path is interrupted now.</summary>
    /// <param name="path">The number of the path in its session, 0 to 31.</param>
    /// <param name="estimate">The estimate of the path.</param>
    /// <param name="now">The time now, in ticks of the clock.</param>
    public void Note(int path, in PathEstimate estimate, long now)
    {
        uint bit = 1u << path;
        bool wasInterrupted = (_interrupted & bit) != 0;
        if (estimate.IsInterrupted == wasInterrupted)
        {
            return;
        }

        _interrupted ^= bit;
        if (wasInterrupted)
        {
            return;
        }

        _left = Math.Min(Most, _left + (Share * (now - _leftAt) / ticksPerSecond));
        _leftAt = now;
        long begin = Math.Max(now, _until);
        double wanted = Pause + (RoundTripsOfPause * 2 * estimate.Delay) - ((begin - now) / ticksPerSecond);
        double granted = Math.Clamp(wanted, 0, _left);
        _left -= granted;
        _until = begin + (long)(granted * ticksPerSecond);
    }
}
