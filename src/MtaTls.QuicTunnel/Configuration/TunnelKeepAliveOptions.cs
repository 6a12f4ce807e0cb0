namespace MtaTls.QuicTunnel;

/// <summary>How paths without traffic are kept alive.</summary>
public sealed class TunnelKeepAliveOptions
{
    /// <summary>A PING is sent after this time without a packet. It keeps the path, and the address translation (NAT) on it, alive.</summary>
    /// <value>Default: 10 seconds. Range: 1 second to 1 hour.</value>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);
}
