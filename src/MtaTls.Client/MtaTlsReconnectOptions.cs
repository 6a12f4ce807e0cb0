namespace MtaTls.Client;

/// <summary>The back-off of a client after failed attempts to connect.</summary>
/// <remarks>
/// After a failed attempt the client does not connect again until the back-off has elapsed. Channels that are opened meanwhile wait as long as <see cref="WaitTimeout"/> allows; else they
/// fail at once with an exception of the same type as that attempt. The back-off starts at <see cref="InitialDelay"/>, doubles with each failure, and is reset when a channel has been opened. The loss of an
/// open session is not a failed attempt: the next channel connects at once.
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
    /// How long channels wait for an endpoint that was reached before and is not reachable now, for example while it restarts. The time starts with the first failed attempt. Requests are delayed and do
    /// not fail, because nothing of them was sent. After that time, and while an endpoint was never reached, they fail at once.
    /// </summary>
    /// <value>Default: 10 seconds. Range: 0 (they always fail at once) to one hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan WaitTimeout { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>The random part of each back-off, so that the clients of a server that restarts do not all reconnect at the same time.</summary>
    /// <value>Default: 0.5 (a back-off of 8 s takes from 4 to 8 s). Range: 0 to 1.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public double Jitter { get; set => field = Ranges.Check(value, 0, 1); } = 0.5;
}
