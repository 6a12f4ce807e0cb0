using System.Diagnostics.Metrics;

namespace MtaTls.ReverseProxy.Diagnostics;

/// <summary>Between gateways: the meter <c>MtaTls.Cluster</c>.</summary>
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
        _peers = meter.CreateUpDownCounter<long>("mtatls.cluster.reached_peers", "{gateway}", "Other gateways that this one has a session with.");
        _spliced = meter.CreateUpDownCounter<long>("mtatls.cluster.active_channels", "{channel}", "Channels of other gateways that are connected to agents of this one.");
        _opens = meter.CreateCounter<long>("mtatls.cluster.opens", "{channel}", "Channels that were opened through other gateways; error.type where that failed.");
        _stale = meter.CreateCounter<long>("mtatls.cluster.stale_routes", "{route}", "Agents that another gateway did not have any more.");
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
