using MtaTls.Benchmarks.Work;

namespace MtaTls.Benchmarks.Plan;

/// <summary>One workload of the comparison, the same for every contender that can do it.</summary>
internal sealed record WorkItem(string Id, string Title, WorkRequest Request, params Metric[] Metrics)
{
    /// <summary>The contenders that cannot do it, or for which it has no meaning.</summary>
    public Contender[] Except { get; init; } = [];

    /// <summary>The contenders that do it; all if empty.</summary>
    public Contender[] Only { get; init; } = [];

    /// <summary>The link between client and server; null for the loopback.</summary>
    public Link? Link { get; init; }

    /// <summary>Whether each round starts a new server and client, because memory is measured from the start of a process.</summary>
    public bool Fresh { get; init; }

    /// <summary>The most useful number of rounds; 0 for that of the run.</summary>
    public int MaxRounds { get; init; }

    public bool Applies(Contender contender) => !Except.Contains(contender) && (Only.Length == 0 || Only.Contains(contender));
}

/// <summary>A link with a round-trip time in milliseconds and a rate in Mbit/s. A link for packets carries TCP itself, and can lose packets.</summary>
internal sealed record Link(int RoundTripMilliseconds, int MegabitsPerSecond)
{
    /// <summary>Whether the link carries packets in place of bytes. It needs root.</summary>
    public bool OfPackets { get; init; }

    public double LossPercent { get; init; }

    /// <summary>The congestion control; default Reno, because every kernel lets a namespace choose it.</summary>
    public string CongestionControl { get; init; } = "reno";
}
