using System.Diagnostics.Metrics;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>The instruments that both ends share. They read the counters of the data plane only when something collects them.</summary>
internal static class TunnelMetrics
{
    public const string MeterName = "MtaTls.QuicTunnel";

    /// <summary>The most paths whose round-trip times are reported, because each one is a time series in the metrics system.</summary>
    public const int MaxPaths = 1_000;

    private static readonly string[] s_reasons = [.. Enum.GetNames<DropReason>().Select(ToSnakeCase)];

    public static Meter CreateMeter(IMeterFactory factory, string role) => factory.Create(new MeterOptions(MeterName) { Version = LibraryVersion.Value, Tags = [new("role", role)] });

    public static void AddCounters(Meter meter, TunnelCounters counters)
    {
        meter.CreateObservableCounter(
            "mtatls.quic_tunnel.packets",
            () => Directions(counters.PacketsReceived, counters.PacketsSent),
            "{packet}",
            "IP packets received from and sent into the tunnel.");
        meter.CreateObservableCounter(
            "mtatls.quic_tunnel.io",
            () => Directions(counters.BytesReceived, counters.BytesSent),
            "By",
            "Bytes of IP packets received from and sent into the tunnel.");
        meter.CreateObservableCounter("mtatls.quic_tunnel.dropped_packets", () => Drops(counters), "{packet}", "Dropped packets, by reason.");
    }

    public static void AddPaths(Meter meter, Func<IEnumerable<(string Session, TunnelPath Path)>> paths)
    {
        meter.CreateObservableUpDownCounter("mtatls.quic_tunnel.paths", () => paths().Count(), "{path}", "Connections that are paths of a session.");
        meter.CreateObservableGauge(
            "mtatls.quic_tunnel.path.rtt",
            () => paths().Take(MaxPaths).Select(static entry => new Measurement<double>(
                entry.Path.Connection.SmoothedRtt.TotalSeconds,
                new("session", entry.Session),
                new("path", entry.Path.Number))),
            "s",
            "The smoothed round-trip time of each path.");
    }

    private static Measurement<long>[] Directions(long received, long sent) =>
        [new(received, new KeyValuePair<string, object?>("direction", "receive")), new(sent, new KeyValuePair<string, object?>("direction", "transmit"))];

    private static IEnumerable<Measurement<long>> Drops(TunnelCounters counters)
    {
        for (int i = 0; i < s_reasons.Length; i++)
        {
            yield return new Measurement<long>(counters.GetDropped((DropReason)i), new KeyValuePair<string, object?>("reason", s_reasons[i]));
        }
    }

    public static string ToSnakeCase(string name) =>
        string.Concat(name.Select((letter, i) => char.IsUpper(letter) ? $"{(i == 0 ? "" : "_")}{char.ToLowerInvariant(letter)}" : letter.ToString()));
}
