using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>Limits how often names are read again after messages of change. Anybody who may publish in Redis can send any number of them.</summary>
internal sealed class ReloadRate(ClusterPlan plan)
{
    private readonly Lock _lock = new();
    private EventRate? _rate;   // guarded by _lock; created with the first use, because this object exists before the settings are validated

    /// <summary>Counts one.</summary>
    /// <returns>Whether it is within the limit.</returns>
    public bool TryTake()
    {
        lock (_lock)
        {
            _rate ??= new EventRate(plan.Options.MaxReloadsPerSecond, plan.Time);
            return _rate.TryTake();
        }
    }
}
