namespace MtaTls.QuicTunnel;

/// <summary>How paths without traffic are kept alive.</summary>
public sealed class TunnelKeepAliveOptions
{
    /// <summary>A PING after so long without a packet keeps a path alive, and the address translation on it.</summary>
    /// <value>Default: 10 seconds. Range: 1 second to 1 hour.</value>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);
}
