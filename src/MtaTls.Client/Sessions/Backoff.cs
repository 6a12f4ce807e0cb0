namespace MtaTls.Client.Sessions;

/// <summary>Says when the next attempt to connect may begin. Not thread-safe: its pool calls it under a lock.</summary>
/// <param name="options">The delays.</param>
/// <param name="time">The clock.</param>
/// <param name="random">A number from 0 to below 1 for each back-off.</param>
internal sealed class Backoff(BackoffSettings options, TimeProvider time, Func<double> random)
{
    private long _begin;
    private TimeSpan _delay;
    private bool _reached;
    private long _lost;

    /// <summary>Attempts that have failed since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>Why the last attempt failed.</summary>
    public Exception? LastFailure { get; private set; }

    /// <summary>What is left of the back-off; zero when an attempt may begin.</summary>
    public TimeSpan Remaining
    {
        get
        {
            if (Failures == 0)
            {
                return TimeSpan.Zero;
            }

            TimeSpan left = _delay - time.GetElapsedTime(_begin);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>What is left of the time that an endpoint is waited for that was reached before; zero when it was not, or is there.</summary>
    public TimeSpan WaitRemaining
    {
        get
        {
            if (Failures == 0 || !_reached)
            {
                return TimeSpan.Zero;
            }

            TimeSpan left = options.WaitTimeout - time.GetElapsedTime(_lost);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>How long a channel that waits for the endpoint is to wait before it looks again; zero where it does not wait.</summary>
    public TimeSpan Pause
    {
        get
        {
            TimeSpan backoff = Remaining, wait = WaitRemaining;
            return backoff < wait ? backoff : wait;
        }
    }

    public void Failed(Exception reason)
    {
        if (Failures == 0)
        {
            _lost = time.GetTimestamp();
        }

        LastFailure = reason;
        Failures++;
        // 2^30 times any initial delay is beyond every maximum: no overflow however long the server is away.
        double full = Math.Min(options.InitialDelay.TotalMilliseconds * Math.Pow(2, Math.Min(Failures - 1, 30)), options.MaxDelay.TotalMilliseconds);
        _delay = TimeSpan.FromMilliseconds(full * (1 - options.Jitter * random()));
        _begin = time.GetTimestamp();
    }

    /// <summary>The next attempt may begin now.</summary>
    public void EndNow() => _delay = TimeSpan.Zero;

    public void Succeeded()
    {
        _reached = true;
        Failures = 0;
        LastFailure = null;
    }
}
