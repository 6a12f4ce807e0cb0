namespace MtaTls.QuicTunnel;

/// <summary>When a lost connection is tried again. A change of the host's network interfaces ends the pause at once.</summary>
public sealed class TunnelReconnectOptions
{
    /// <summary>The first pause. It doubles with each failure.</summary>
    /// <value>Default: 500 milliseconds. Range: 1 millisecond to 1 hour.</value>
    public TimeSpan InitialDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest pause. Not less than <see cref="InitialDelay"/>.</summary>
    /// <value>Default: 30 seconds. Range: 1 millisecond to 1 hour.</value>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The part of each pause that is random, so that the clients of a concentrator that restarts do not all come back at once.</summary>
    /// <value>Default: 0.5 (a pause of 8 seconds takes from 4 to 8 seconds). Range: 0 to 1.</value>
    public double Jitter { get; set; } = 0.5;
}
