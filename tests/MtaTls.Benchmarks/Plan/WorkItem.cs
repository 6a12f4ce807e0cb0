using MtaTls.Benchmarks.Work;

namespace MtaTls.Benchmarks.Plan;

/// <summary>One row group of the comparison: the same work for every contender that can do it.</summary>
internal sealed record WorkItem(string Id, string Title, WorkRequest Request, params Metric[] Metrics)
{
    /// <summary>Contenders that cannot do it, or for which it means nothing.</summary>
    public Contender[] Except { get; init; } = [];

    /// <summary>Only these, if not empty.</summary>
    public Contender[] Only { get; init; } = [];

    /// <summary>The link between client and server; null: loopback.</summary>
    public Link? Link { get; init; }

    /// <summary>A fresh server and client for each round: memory is measured from the start of a process.</summary>
    public bool Fresh { get; init; }

    /// <summary>Rounds beyond which repeating tells nothing new; 0: as many as the run has.</summary>
    public int MaxRounds { get; init; }

    public bool Applies(Contender contender) => !Except.Contains(contender) && (Only.Length == 0 || Only.Contains(contender));
}

/// <summary>A link's round-trip time in milliseconds and its rate in Mbit/s; with packets, TCP itself runs over it and packets are lost.</summary>
internal sealed record Link(int RoundTripMilliseconds, int MegabitsPerSecond)
{
    /// <summary>Packets rather than octets: needs root.</summary>
    public bool OfPackets { get; init; }

    public double LossPercent { get; init; }

    /// <summary>Reno, unless told otherwise: the one that every kernel lets a namespace choose.</summary>
    public string CongestionControl { get; init; } = "reno";
}
