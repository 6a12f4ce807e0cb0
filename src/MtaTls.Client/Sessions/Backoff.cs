namespace MtaTls.Client.Sessions;

/// <summary>Decides when the next attempt to connect may begin. Not thread-safe; <see cref="SessionConnector"/> calls it under its lock.</summary>
/// <param name="options">The delays.</param>
/// <param name="time">The clock.</param>
/// <param name="random">Returns a number from 0 to below 1 for each back-off.</param>
internal sealed class Backoff(BackoffSettings options, TimeProvider time, Func<double> random)
{
    private long _begin;
    private TimeSpan _delay;
    private bool _reached;
    private long _lost;

    /// <summary>Attempts that have failed since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>The error of the last failed attempt.</summary>
    public Exception? LastFailure { get; private set; }

    /// <summary>The rest of the back-off; zero if an attempt may begin.</summary>
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

    /// <summary>The rest of <see cref="MtaTlsReconnectOptions.WaitTimeout"/>; zero if the endpoint was never reached, or is reachable.</summary>
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

    /// <summary>
    /// Whether a channel whose attempt has just failed waits for the endpoint. It also waits if a channel of another session has succeeded since then, which proves that the endpoint is there.
    /// </summary>
    public bool IsWaitedFor => _reached && options.WaitTimeout > TimeSpan.Zero && (Failures == 0 || WaitRemaining > TimeSpan.Zero);

    /// <summary>The time after which a channel that waits for the endpoint checks again; zero if it must not wait.</summary>
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
        // The exponent is limited to avoid an overflow; 2^30 times any initial delay is above every maximum.
        double full = Math.Min(options.InitialDelay.TotalMilliseconds * Math.Pow(2, Math.Min(Failures - 1, 30)), options.MaxDelay.TotalMilliseconds);
        _delay = TimeSpan.FromMilliseconds(full * (1 - options.Jitter * random()));
        _begin = time.GetTimestamp();
    }

    /// <summary>Ends the back-off, so that the next attempt may begin now.</summary>
    public void EndNow() => _delay = TimeSpan.Zero;

    public void Succeeded()
    {
        _reached = true;
        Failures = 0;
        LastFailure = null;
    }
}
