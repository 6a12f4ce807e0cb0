using System.Diagnostics.Metrics;

namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>The instruments of the client.</summary>
internal sealed class ClientMetrics
{
    public ClientMetrics(IMeterFactory factory, QuicTunnelClient client)
    {
        Meter meter = TunnelMetrics.CreateMeter(factory, "client");
        TunnelMetrics.AddCounters(meter, client.Counters);
        TunnelMetrics.AddPaths(meter, client.EnumeratePaths);
        meter.CreateObservableUpDownCounter("mtatls.quic_tunnel.sessions", () => client.SessionName is null ? 0 : 1, "{session}", "1 if there is a session, otherwise 0.");
        meter.CreateObservableGauge("mtatls.quic_tunnel.reorder_depth", () => client.ReorderDepth, "{packet}", "Packets that wait for missing packets before them.");
    }
}
