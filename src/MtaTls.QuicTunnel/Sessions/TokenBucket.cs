namespace MtaTls.QuicTunnel.Sessions;

/// <summary>So many events a second, and as many at once.</summary>
internal sealed class TokenBucket(int perSecond, TimeProvider timeProvider)
{
    private readonly Lock _lock = new();
    private double _tokens = perSecond;
    private long _last = timeProvider.GetTimestamp();

    public bool TryTake()
    {
        lock (_lock)
        {
            long now = timeProvider.GetTimestamp();
            _tokens = Math.Min(perSecond, _tokens + (timeProvider.GetElapsedTime(_last, now).TotalSeconds * perSecond));
            _last = now;
            if (_tokens < 1)
            {
                return false;
            }

            _tokens--;
            return true;
        }
    }
}
