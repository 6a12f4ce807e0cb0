namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>The schedulers by name.</summary>
internal static class PathSchedulers
{
    public static IPathScheduler Create(TunnelScheduler scheduler) => scheduler switch
    {
        TunnelScheduler.MinRtt => new MinRttScheduler(),
        TunnelScheduler.RoundRobin => new RoundRobinScheduler(),
        TunnelScheduler.Redundant => new RedundantScheduler(),
        TunnelScheduler.ActiveBackup => new ActiveBackupScheduler(),
        _ => throw new ArgumentOutOfRangeException(nameof(scheduler), scheduler, null),
    };
}
