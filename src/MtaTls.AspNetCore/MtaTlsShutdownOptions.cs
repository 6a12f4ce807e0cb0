namespace MtaTls.AspNetCore;

/// <summary>How the server stops: the settings of <c>MtaTls:Shutdown</c>.</summary>
public sealed class MtaTlsShutdownOptions
{
    internal static readonly TimeSpan MaxDelay = TimeSpan.FromHours(1);

    /// <summary>
    /// How long the server still serves everything after the host begins to stop. In this time the health check is unhealthy and clients are told (go-away), so that load balancers
    /// and clients use other servers. It is a part of <c>HostOptions.ShutdownTimeout</c> (30 seconds), which must leave enough time for requests to finish.
    /// </summary>
    /// <value>Default: 0, the server refuses new channels at once. Range: 0 to 1 hour. Behind a load balancer, set it longer than the balancer takes to notice a failed health check.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Delay { get; set => field = Ranges.Check(value, TimeSpan.Zero, MaxDelay); }
}
