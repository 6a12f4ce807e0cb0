namespace MtaTls.FunctionalTests.Liveness;

/// <summary>The system's clock, but timers of a certain length end when the test releases them. So a server's delay lasts until clients have done something.</summary>
internal sealed class GatedTime(TimeSpan least, TimeSpan most) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Action> _waiting = [];

    /// <summary>The number of running timers of that length.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Ends these timers.</summary>
    public void Open()
    {
        Action[] waiting;
        lock (_lock)
        {
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        foreach (Action callback in waiting)
        {
            callback();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime < least || dueTime > most)
        {
            return base.CreateTimer(callback, state, dueTime, period);
        }

        lock (_lock)
        {
            _waiting.Add(() => callback(state));
        }

        return base.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
