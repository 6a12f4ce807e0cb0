namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>Creates schedulers.</summary>
internal static class PathSchedulers
{
    /// <summary>Creates a scheduler. Null for <see cref="TunnelScheduler.Redundant"/>, which sends every packet over every path.</summary>
    public static IPathScheduler? Create(TunnelScheduler scheduler) => scheduler switch
    {
        TunnelScheduler.EarliestDelivery => new EarliestDeliveryScheduler(),
        TunnelScheduler.RoundRobin => new RoundRobinScheduler(),
        TunnelScheduler.ActiveBackup => new ActiveBackupScheduler(),
        TunnelScheduler.Redundant => null,
        _ => throw new ArgumentOutOfRangeException(nameof(scheduler), scheduler, null),
    };
}
