namespace MtaTls.QuicTunnel.Cluster;

/// <summary>Why a connection was not relayed. Metrics use the names in snake case.</summary>
internal enum RelayRefusal
{
    /// <summary>A limit of relayed connections was reached, at this concentrator as relay or as owner of the session.</summary>
    Limit,

    /// <summary>The other concentrator has no known address, did not answer in time, or its certificate is not valid.</summary>
    Unreachable,

    /// <summary>The other concentrator has refused the join, for example because a direct path of the session works.</summary>
    Refused,

    /// <summary>A peer at the end point for concentrators is not a concentrator.</summary>
    NotANode,
}

/// <summary>The counters of relaying.</summary>
internal sealed class RelayCounters
{
    public static readonly int Refusals = Enum.GetValues<RelayRefusal>().Length;

    private readonly long[] _refused = new long[Refusals];
    private long _packetsToNodes, _bytesToNodes, _packetsToClients, _bytesToClients;

    public long PacketsToNodes => Volatile.Read(ref _packetsToNodes);

    public long BytesToNodes => Volatile.Read(ref _bytesToNodes);

    public long PacketsToClients => Volatile.Read(ref _packetsToClients);

    public long BytesToClients => Volatile.Read(ref _bytesToClients);

    public void Relayed(bool toNode, int bytes)
    {
        Interlocked.Increment(ref toNode ? ref _packetsToNodes : ref _packetsToClients);
        Interlocked.Add(ref toNode ? ref _bytesToNodes : ref _bytesToClients, bytes);
    }

    public void Refused(RelayRefusal refusal) => Interlocked.Increment(ref _refused[(int)refusal]);

    public long GetRefused(RelayRefusal refusal) => Volatile.Read(ref _refused[(int)refusal]);
}
