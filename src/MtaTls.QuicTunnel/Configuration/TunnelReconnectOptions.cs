namespace MtaTls.QuicTunnel;

/// <summary>When a lost connection is opened again. A change of the host's network interfaces ends the delay at once.</summary>
public sealed class TunnelReconnectOptions
{
    /// <summary>The first delay. It doubles with each failure.</summary>
    /// <value>Default: 500 milliseconds. Range: 1 millisecond to 1 hour.</value>
    public TimeSpan InitialDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest delay. It must not be less than <see cref="InitialDelay"/>.</summary>
    /// <value>Default: 30 seconds. Range: 1 millisecond to 1 hour.</value>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The random part of each delay, so that not all clients connect at once after the concentrator has restarted.</summary>
    /// <value>Default: 0.5 (a delay of 8 seconds takes from 4 to 8 seconds). Range: 0 to 1.</value>
    public double Jitter { get; set; } = 0.5;
}
