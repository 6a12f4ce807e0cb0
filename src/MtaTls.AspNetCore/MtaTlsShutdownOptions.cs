namespace MtaTls.AspNetCore;

/// <summary>How the server stops: the settings of <c>MtaTls:Shutdown</c>.</summary>
public sealed class MtaTlsShutdownOptions
{
    internal static readonly TimeSpan MaxDelay = TimeSpan.FromHours(1);

    /// <summary>
    /// How long everything is still served after the host begins to stop. The health check is unhealthy and clients know that the server will stop during this time, so that load balancers
    /// and clients go elsewhere. It is a part of <c>HostOptions.ShutdownTimeout</c> (30 seconds), which must leave enough time for requests to finish.
    /// </summary>
    /// <value>Default: 0, the server refuses new channels at once. Range: 0 to 1 hour. Behind a load balancer: longer than it takes to see that a health check fails.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Delay
    {
        get;
        set => field = value >= TimeSpan.Zero && value <= MaxDelay ? value : throw new ArgumentOutOfRangeException(nameof(value), value, $"{nameof(Delay)} must be from 0 to {MaxDelay}.");
    }
}
