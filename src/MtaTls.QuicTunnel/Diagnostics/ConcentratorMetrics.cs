using System.Diagnostics.Metrics;
using MtaTls.QuicTunnel.Cluster;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>The instruments of the concentrator.</summary>
internal sealed class ConcentratorMetrics
{
    private static readonly string[] s_refusals = [.. Enum.GetNames<RelayRefusal>().Select(TunnelMetrics.ToSnakeCase)];

    public ConcentratorMetrics(IMeterFactory factory, TunnelConcentrator concentrator)
    {
        Meter meter = TunnelMetrics.CreateMeter(factory, "concentrator");
        TunnelMetrics.AddCounters(meter, concentrator.Counters);
        TunnelMetrics.AddPaths(meter, () => Paths(concentrator));
        meter.CreateObservableUpDownCounter("mtatls.quic_tunnel.sessions", () => concentrator.Registry.Count, "{session}", "Sessions, including those in their grace period.");
        meter.CreateObservableUpDownCounter(
            "mtatls.quic_tunnel.relays",
            () => Relays(concentrator),
            "{connection}",
            "Relayed connections, by role: those that this concentrator relays to others, and those of its own sessions.");
        RelayCounters relayed = concentrator.RelayShared.Relayed;
        meter.CreateObservableCounter(
            "mtatls.quic_tunnel.relay.packets",
            () => Directions(relayed.PacketsToNodes, relayed.PacketsToClients),
            "{packet}",
            "IP packets that this concentrator has relayed, by direction: to other concentrators, and to clients.");
        meter.CreateObservableCounter(
            "mtatls.quic_tunnel.relay.io",
            () => Directions(relayed.BytesToNodes, relayed.BytesToClients),
            "By",
            "Bytes of IP packets that this concentrator has relayed, by direction.");
        meter.CreateObservableCounter("mtatls.quic_tunnel.refused_relays", () => Refusals(relayed), "{connection}", "Connections that were not relayed, by reason.");
        meter.CreateObservableGauge(
            "mtatls.quic_tunnel.reorder_depth",
            () => concentrator.Registry.Sessions.Sum(static session => session.ReorderDepth),
            "{packet}",
            "Packets of all sessions that wait for missing packets before them.");
        meter.CreateObservableUpDownCounter(
            "mtatls.quic_tunnel.handshakes",
            () => concentrator.ListenerStatistics?.HandshakesInFlight ?? 0,
            "{connection}",
            "Current handshakes.");
        meter.CreateObservableCounter(
            "mtatls.quic_tunnel.refused_handshakes", () => concentrator.ListenerStatistics?.Refused ?? 0, "{connection}", "Refused handshakes.");
    }

    private static Measurement<long>[] Relays(TunnelConcentrator concentrator) =>
    [
        new(concentrator.Relay?.Outgoing.Count ?? 0, new KeyValuePair<string, object?>("relay.role", "relay")),
        new(concentrator.Relay?.Accepted.Count ?? 0, new KeyValuePair<string, object?>("relay.role", "owner")),
    ];

    private static Measurement<long>[] Directions(long toNodes, long toClients) =>
        [new(toNodes, new KeyValuePair<string, object?>("direction", "to_node")), new(toClients, new KeyValuePair<string, object?>("direction", "to_client"))];

    private static IEnumerable<Measurement<long>> Refusals(RelayCounters counters)
    {
        for (int i = 0; i < s_refusals.Length; i++)
        {
            yield return new Measurement<long>(counters.GetRefused((RelayRefusal)i), new KeyValuePair<string, object?>("reason", s_refusals[i]));
        }
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
