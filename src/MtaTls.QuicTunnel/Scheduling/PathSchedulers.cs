namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>The schedulers by name.</summary>
internal static class PathSchedulers
{
    /// <summary>Null for <see cref="TunnelScheduler.Redundant"/>, which chooses nothing.</summary>
    public static IPathScheduler? Create(TunnelScheduler scheduler) => scheduler switch
    {
        TunnelScheduler.EarliestDelivery => new EarliestDeliveryScheduler(),
        TunnelScheduler.RoundRobin => new RoundRobinScheduler(),
        TunnelScheduler.ActiveBackup => new ActiveBackupScheduler(),
        TunnelScheduler.Redundant => null,
        _ => throw new ArgumentOutOfRangeException(nameof(scheduler), scheduler, null),
    };
}
