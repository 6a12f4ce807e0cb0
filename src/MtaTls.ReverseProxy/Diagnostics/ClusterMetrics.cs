using System.Diagnostics.Metrics;

namespace MtaTls.ReverseProxy.Diagnostics;

/// <summary>The meter <c>MtaTls.Cluster</c>: sessions and channels between gateways.</summary>
internal sealed class ClusterMetrics
{
    public const string MeterName = "MtaTls.Cluster";

    private readonly UpDownCounter<long> _peers;
    private readonly UpDownCounter<long> _spliced;
    private readonly Counter<long> _opens;
    private readonly Counter<long> _stale;

    public ClusterMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterName);
        _peers = meter.CreateUpDownCounter<long>("mtatls.cluster.reached_peers", "{gateway}", "Other gateways with which this gateway has a session.");
        _spliced = meter.CreateUpDownCounter<long>("mtatls.cluster.active_channels", "{channel}", "Channels from other gateways that are connected to agents of this gateway.");
        _opens = meter.CreateCounter<long>("mtatls.cluster.opens", "{channel}", "Attempts to open a channel through another gateway. error.type is set if the attempt failed.");
        _stale = meter.CreateCounter<long>("mtatls.cluster.stale_routes", "{route}", "Attempts to open a channel to an agent that its gateway no longer had.");
    }

    public void Reached(int change) => _peers.Add(change);

    public void Spliced(int change) => _spliced.Add(change);

    public void Opened(string? error)
    {
        if (error is null)
        {
            _opens.Add(1);
        }
        else
        {
            _opens.Add(1, new KeyValuePair<string, object?>("error.type", error));
        }
    }

    public void Stale() => _stale.Add(1);
}
