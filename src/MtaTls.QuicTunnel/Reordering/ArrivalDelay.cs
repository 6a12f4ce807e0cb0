namespace MtaTls.QuicTunnel.Reordering;

/// <summary>
/// Measures how long missing packets took to arrive, because their path is slower or they were sent again. It keeps mean and deviation, like a round-trip time estimate (RFC 6298). Times are in clock ticks.
/// </summary>
internal sealed class ArrivalDelay
{
    private const int LeastDivisor = 32;

    // How long a delay keeps the bound up: one to two of these windows, in multiples of the largest bound.
    private const int WindowLength = 20;

    // A packet that was lost and sent again can be lost again, and then takes twice as long.
    private const int TimesLongest = 2;

    private readonly long _most;
    private double _mean, _deviation;
    private bool _hasSample;
    private long _longest, _longestBefore, _windowEnd, _adaptsAt;

    /// <param name="most">The largest bound, which also applies in the first window. The first delays are often short, because no packet has waited or was lost yet.</param>
    public ArrivalDelay(long most) => Bound = _most = most;

    /// <summary>How long to wait for a missing packet.</summary>
    public long Bound { get; private set; }

    /// <summary>Takes the delay of a missing packet that has arrived, in time or too late.</summary>
    /// <param name="delay">How long the packet was missing.</param>
    /// <param name="now">The time now.</param>
    public void Add(long delay, long now)
    {
        if (_hasSample)
        {
            _deviation += (Math.Abs(delay - _mean) - _deviation) / 4;
            _mean += (delay - _mean) / 8;
        }
        else
        {
            (_mean, _deviation, _hasSample) = (delay, delay / 2.0, true);
            _adaptsAt = _windowEnd = now + Window;
        }

        if (now >= _windowEnd)
        {
            (_longestBefore, _longest, _windowEnd) = (now - _windowEnd < Window ? _longest : 0, 0, now + Window);
        }

        _longest = Math.Max(_longest, delay);
        if (now >= _adaptsAt)
        {
            // Many short delays must not hide the few long ones of packets that a path lost and sent again.
            double bound = Math.Max((_mean * 1.25) + (4 * _deviation), (double)TimesLongest * Math.Max(_longest, _longestBefore));
            Bound = Math.Clamp((long)bound, Math.Max(1, _most / LeastDivisor), _most);
        }
    }

    private long Window => WindowLength * _most;
}
