namespace MtaTls.Protocol;

/// <summary>
/// Checks channels that are closing or wait for window. The session has one timer for that, which runs only while there are such channels. The lock guards the list. It is an innermost lock: no other lock is
/// taken while it is held.
/// </summary>
internal sealed class SessionClock : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly TimeSpan _period;
    private readonly Action<MtaTlsSessionException> _onTimeout;
    private readonly ITimer _timer;
    private readonly LinkedList<MtaTlsChannel> _watched = new();
    private bool _armed;
    private bool _disposed;

    public SessionClock(TimeProvider time, MtaTlsSessionLimits limits, Action<MtaTlsSessionException> onTimeout)
    {
        _time = time;
        _onTimeout = onTimeout;
        long shorter = Math.Min(limits.CloseLingerTimeout.Ticks, limits.CloseTimeout.Ticks);
        if (limits.ChannelWriteStallTimeout != Timeout.InfiniteTimeSpan)
        {
            shorter = Math.Min(shorter, limits.ChannelWriteStallTimeout.Ticks);
        }

        _period = TimeSpan.FromTicks(Math.Clamp(shorter / 4, TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerSecond));
        _timer = time.CreateTimer(static clock => ((SessionClock)clock!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public long Now => _time.GetTimestamp();

    public TimeSpan ElapsedSince(long timestamp) => _time.GetElapsedTime(timestamp);

    /// <summary>Calls <see cref="ChannelProgress.Check"/> periodically until <see cref="Unwatch"/>.</summary>
    /// <returns>The argument for <see cref="Unwatch"/>; <see langword="null"/> when the session has ended.</returns>
    public LinkedListNode<MtaTlsChannel>? Watch(MtaTlsChannel channel)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return null;
            }

            Arm();
            return _watched.AddLast(channel);
        }
    }

    public void Unwatch(LinkedListNode<MtaTlsChannel> watch)
    {
        lock (_lock)
        {
            if (watch.List is not null)
            {
                _watched.Remove(watch);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _watched.Clear();
        }
        _timer.Dispose();
    }

    private void Tick()
    {
        MtaTlsChannel[] watched;
        lock (_lock)
        {
            _armed = false;
            if (_disposed || _watched.Count == 0)
            {
                return;
            }

            watched = [.. _watched];
            Arm();
        }
        try
        {
            foreach (MtaTlsChannel channel in watched)
            {
                ChannelProgress.Check(channel);
            }
        }
        catch (MtaTlsSessionException timeout)
        {
            _onTimeout(timeout);
        }
    }

    private void Arm()
    {
        if (_armed)
        {
            return;
        }

        _armed = true;
        _timer.Change(_period, Timeout.InfiniteTimeSpan);
    }
}
