namespace MtaTls.Quic.Ngtcp2;

/// <summary>So many a second, and as many at once. For one thread.</summary>
internal struct TokenBucket(int perSecond)
{
    private double _tokens = perSecond;
    private ulong _last;

    public bool TryTake(ulong now)
    {
        if (now > _last)
        {
            _tokens = Math.Min(perSecond, _tokens + (now - _last) * 1e-9 * perSecond);
            _last = now;
        }
        if (_tokens < 1)
        {
            return false;
        }

        _tokens--;
        return true;
    }
}
