using MtaTls.Benchmarks.Work;

namespace MtaTls.Benchmarks.Plan;

/// <summary>The workloads of the commands.</summary>
internal static class WorkPlan
{
    private static readonly Metric[] s_bulk = [Metric.Throughput, Metric.ServerCpuPerGibibyte, Metric.ClientCpuPerGibibyte, Metric.ServerWaits, Metric.ClientWaits, Metric.AllocatedPerMebibyte, Metric.Peak];
    private static readonly Metric[] s_requests = [Metric.Rate, Metric.ServerCpuEach, Metric.ClientCpuEach, Metric.AllocatedEach, Metric.Peak];
    private static readonly Metric[] s_held = [Metric.ManagedEach, Metric.ResidentEach, Metric.Resident, Metric.Peak];
    private static readonly Contender[] s_multiplexers = [Contender.Ssh, Contender.Nerdbank, Contender.MtaTls];
    private static readonly Contender[] s_mtaTlsOnly = [Contender.MtaTls];

    // HTTP/2 has no stream without a request, so opening one is the small GET. TCP connections without data cost Kestrel's memory, which "idle" measures.
    private static readonly Contender[] s_http2s = [Contender.Http2, Contender.MtaTlsHttp2];

    /// <summary>All workloads, for a table to publish.</summary>
    public static IEnumerable<WorkItem> Full() =>
    [
        .. BulkItems(256, 1, 8, 64),
        SmallGet(64, 2),
        SmallGet(1000, 2),
        OpenGetClose(64, 2),
        Silent(10_000),
        Idle(10_000, 2),
        Many(100_000, spoken: false),
        Many(100_000, spoken: true),
        .. LinkItems([(10, 1000), (50, 1000), (50, 100), (100, 1000)], seconds: 5, probes: 6),
        Fairness("loopback", null, 2),
        Fairness("20 ms, 100 Mbit/s", new(20, 100) { OfPackets = true }, 3),
        .. LossItems(seconds: 5),
    ];

    /// <summary>A small version of all workloads, to check that they work, in less than two minutes.</summary>
    public static IEnumerable<WorkItem> Quick() =>
    [
        .. BulkItems(16, 1, 8),
        SmallGet(64, 0.25),
        OpenGetClose(64, 0.25),
        Silent(500),
        Idle(200, 0.25),
        .. LinkItems([(10, 1000)], seconds: 2.2, probes: 2),
        Fairness("loopback", null, 0.5),
    ];

    /// <summary>The cost of a channel compared with a connection, without links, for a shorter table.</summary>
    public static IEnumerable<WorkItem> Cost() => [.. BulkItems(256, 1, 8), SmallGet(64, 2), OpenGetClose(64, 2), Silent(2000), Idle(2000, 1)];

    private static IEnumerable<WorkItem> BulkItems(int mebibytes, params int[] streams)
    {
        foreach (int count in streams)
        {
            yield return new($"download-{count}", $"Bulk download, {Streams(count)}", new(WorkKind.Download, count, (long)mebibytes << 20), s_bulk);
            yield return new($"upload-{count}", $"Bulk upload, {Streams(count)}", new(WorkKind.Upload, count, (long)mebibytes << 20), s_bulk);
        }
    }

    private static string Streams(int count) => count == 1 ? "1 stream" : $"{count} streams";

    private static WorkItem SmallGet(int inFlight, double seconds) =>
        new($"small-{inFlight}", $"Small GET, {inFlight:N0} in flight", new(WorkKind.SmallGet, inFlight, Seconds: seconds), s_requests);

    private static WorkItem OpenGetClose(int inFlight, double seconds) =>
        new($"open-{inFlight}", $"Open + GET + close, {inFlight} at once", new(WorkKind.OpenGetClose, inFlight, Seconds: seconds), s_requests) { Except = s_http2s };

    private static WorkItem Silent(int count) =>
        new("silent", $"{count:N0} channels without data", new(WorkKind.HoldSilent, count), s_held) { Fresh = true, MaxRounds = 3, Only = [Contender.Nerdbank, Contender.MtaTls] };

    private static WorkItem Idle(int count, double seconds) =>
        new("idle", $"{count:N0} idle after a request, 1,000 of them then active", new(WorkKind.HoldIdle, count, Seconds: seconds), s_held) { Fresh = true, MaxRounds = 3, Except = s_http2s };

    private static WorkItem Many(int count, bool spoken) =>
        new(spoken ? "many-spoken" : "many-silent", $"{count:N0} channels on ten sessions, {(spoken ? "after a request each" : "without data")}",
            new(WorkKind.HoldMany, count, Sessions: 10, Seconds: spoken ? 1 : 0), s_held)
        { Fresh = true, MaxRounds = 1, Only = s_mtaTlsOnly };

    private static IEnumerable<WorkItem> LinkItems((int RoundTrip, int Megabits)[] links, double seconds, int probes)
    {
        foreach ((int roundTrip, int megabits) in links)
        {
            var link = new Link(roundTrip, megabits);
            string name = $"{roundTrip} ms, {(megabits >= 1000 ? $"{megabits / 1000} Gbit/s" : $"{megabits} Mbit/s")}";
            string id = $"{roundTrip}ms-{megabits}";
            yield return new($"sustained-{id}", $"One stream at {name}", new(WorkKind.SustainedDownload, 1, Seconds: seconds), Metric.SustainedRate, Metric.EarlyRate) { Link = link, MaxRounds = 2 };
            yield return new($"page-{id}", $"A page of 100 objects at {name}", new(WorkKind.PageLoad), Metric.Duration) { Link = link, MaxRounds = 3 };
            yield return new($"first-byte-{id}", $"First byte of a further stream at {name}", new(WorkKind.FirstByte, probes), Metric.Milliseconds) { Link = link, MaxRounds = 3 };
        }
    }

    private static WorkItem Fairness(string where, Link? link, double seconds) =>
        new($"fairness-{(link is null ? "loopback" : "link")}", $"100 interactive streams beside a bulk one, {where}", new(WorkKind.Fairness, 100, Seconds: seconds),
            Metric.P99Growth, Metric.P50Alone, Metric.P99Alone, Metric.P50Beside, Metric.P99Beside, Metric.BulkBeside)
        {
            Link = link,
            MaxRounds = link is null ? 0 : 3,
            Except = link is null ? [] : [Contender.Ssh], // sshd listens only on the loopback
        };

    // Real packets and TCP's own recovery: each loss slows a single TCP connection, while many connections share the losses.
    private static IEnumerable<WorkItem> LossItems(double seconds)
    {
        var clean = new Link(20, 100) { OfPackets = true };
        Link lossy = clean with { LossPercent = 1 };
        var request = new WorkRequest(WorkKind.SustainedDownload, 8, Seconds: seconds);
        Contender[] tls = [Contender.Http1, Contender.Http2, Contender.MtaTls];
        Metric[] rates = [Metric.SustainedRate, Metric.EarlyRate];
        yield return new("loss-0", "8 downloads at 20 ms, 100 Mbit/s, no loss", request, rates) { Link = clean, Only = tls, MaxRounds = 2 };
        yield return new("loss-1", "the same with 1 % of the packets lost", request, rates) { Link = lossy, Only = tls, MaxRounds = 2 };
        yield return new("loss-1-sessions", "the same over 8 sessions or connections", request with { Sessions = 8 }, rates) { Link = lossy, Only = tls, MaxRounds = 2 };
        yield return new("loss-1-bbr", "1 % loss, one session, BBR congestion control", request, rates) { Link = lossy with { CongestionControl = "bbr" }, Only = tls, MaxRounds = 2 };
    }
}
