namespace MtaTls.QuicTunnel.Reordering;

/// <summary>
/// How long missing packets really took to come, because their path is slower or because they had to be sent again: mean and deviation, as of a round-trip time (RFC 6298). In a clock's ticks.
/// </summary>
internal sealed class ArrivalDelay
{
    private const int LeastDivisor = 32;

    private double _mean, _deviation;
    private readonly long _most;
    private bool _hasSample;

    /// <param name="most">The longest bound, and the one before anything was measured.</param>
    public ArrivalDelay(long most) => Bound = _most = most;

    /// <summary>So long a missing packet is worth waiting for.</summary>
    public long Bound { get; private set; }

    public void Add(long delay)
    {
        if (_hasSample)
        {
            _deviation += (Math.Abs(delay - _mean) - _deviation) / 4;
            _mean += (delay - _mean) / 8;
        }
        else
        {
            (_mean, _deviation, _hasSample) = (delay, delay / 2.0, true);
        }

        Bound = Math.Clamp((long)((_mean * 1.25) + (4 * _deviation)), Math.Max(1, _most / LeastDivisor), _most);
    }
}
