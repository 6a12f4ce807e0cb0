using System.Diagnostics.Metrics;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>The concentrator's meter.</summary>
internal sealed class ConcentratorMetrics
{
    public ConcentratorMetrics(IMeterFactory factory, TunnelConcentrator concentrator)
    {
        Meter meter = TunnelMetrics.CreateMeter(factory, "concentrator");
        TunnelMetrics.AddCounters(meter, concentrator.Counters);
        TunnelMetrics.AddPaths(meter, () => Paths(concentrator));
        meter.CreateObservableUpDownCounter("mtatls.quic_tunnel.sessions", () => concentrator.Registry.Count, "{session}", "Sessions, those in their grace period included.");
        meter.CreateObservableGauge(
            "mtatls.quic_tunnel.reorder_depth",
            () => concentrator.Registry.Sessions.Sum(static session => session.ReorderDepth),
            "{packet}",
            "Packets that wait for those before them, of all sessions.");
        meter.CreateObservableUpDownCounter(
            "mtatls.quic_tunnel.handshakes",
            () => concentrator.ListenerStatistics?.HandshakesInFlight ?? 0,
            "{connection}",
            "Handshakes in flight.");
        meter.CreateObservableCounter(
            "mtatls.quic_tunnel.refused_handshakes", () => concentrator.ListenerStatistics?.Refused ?? 0, "{connection}", "Handshakes refused for a limit.");
    }

    private static IEnumerable<(string Session, TunnelPath Path)> Paths(TunnelConcentrator concentrator)
    {
        foreach (ConcentratorSession session in concentrator.Registry.Sessions)
        {
            foreach (TunnelPath path in session.Paths.ToArray())
            {
                yield return (session.Id.Name, path);
            }
        }
    }
}
