using System.Diagnostics.Metrics;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Redis.Diagnostics;

/// <summary>The metrics of the directory in Redis, in the meter <c>MtaTls.Cluster</c>.</summary>
internal sealed class DirectoryMetrics
{
    private readonly Counter<long> _lookups;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _commands;
    private readonly Counter<long> _epochs;

    public DirectoryMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(ClusterMetrics.MeterName);
        _lookups = meter.CreateCounter<long>("mtatls.cluster.lookups", "{lookup}", "Lookups of names in Redis. error.type is set if a lookup failed.");
        _duration = meter.CreateHistogram<double>("mtatls.cluster.lookup.duration", "s", "Duration of successful lookups in Redis.");
        _commands = meter.CreateCounter<long>("mtatls.cluster.directory.commands", "{command}", "Commands sent to Redis.");
        _epochs = meter.CreateCounter<long>("mtatls.cluster.epochs", "{epoch}", "Epochs of this gateway: one at its start, and one after each lost lease.");
        meter.CreateObservableGauge("mtatls.cluster.lease.age", () => LeaseAge?.Invoke() ?? 0, "s", "Time since this gateway's lease was renewed.");
        meter.CreateObservableGauge("mtatls.cluster.known_names", () => KnownNames?.Invoke() ?? 0, "{name}", "Names in this gateway's cache.");
    }

    public Func<double>? LeaseAge { get; set; }

    public Func<int>? KnownNames { get; set; }

    public void LookedUp(TimeSpan duration, string? error)
    {
        if (error is null)
        {
            _lookups.Add(1);
            _duration.Record(duration.TotalSeconds);
        }
        else
        {
            _lookups.Add(1, new KeyValuePair<string, object?>("error.type", error));
        }
    }

    public void Sent(int commands) => _commands.Add(commands);

    public void EpochTaken() => _epochs.Add(1);
}
