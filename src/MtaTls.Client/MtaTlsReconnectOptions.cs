namespace MtaTls.Client;

/// <summary>When a client tries again after an attempt to connect has failed.</summary>
/// <remarks>
/// After a failed attempt no other is begun before the back-off has passed; channels that are opened meanwhile wait where <see cref="WaitTimeout"/> says so, else they
/// fail at once with the reason of that attempt, as an exception of the same type. The back-off starts at <see cref="InitialDelay"/>, doubles with each failure and ends when a channel has been opened. A session that drops
/// is not a failed attempt: the next channel connects again at once.
/// </remarks>
public sealed class MtaTlsReconnectOptions
{
    /// <summary>The back-off after the first failed attempt.</summary>
    /// <value>Default: 200 milliseconds. Range: 0 (no back-off) to one hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan InitialDelay { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest back-off.</summary>
    /// <value>Default: 30 seconds. Range: 0 to one hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan MaxDelay { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long channels wait for an endpoint that was reached before and is gone, as one that restarts, from the first failed attempt on: nothing has been sent, so that requests
    /// see a pause and no error. After that, and while an endpoint was never reached, they fail at once.
    /// </summary>
    /// <value>Default: 10 seconds. Range: 0 (they always fail at once) to one hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan WaitTimeout { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>The part of each back-off that is random, so that the clients of a server that restarts do not all come back at once.</summary>
    /// <value>Default: 0.5 (a back-off of 8 s takes from 4 to 8 s). Range: 0 to 1.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public double Jitter { get; set => field = Ranges.Check(value, 0, 1); } = 0.5;
}
