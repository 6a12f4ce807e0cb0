using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Queueing;

namespace MtaTls.QuicTunnel.Cluster;

/// <summary>What all relayed connections of a concentrator share.</summary>
internal sealed class RelayShared(TunnelRelayOptions options, TunnelQueueOptions queue, TunnelCounters counters, TimeProvider time)
{
    private const int MaxWaitingPackets = 16 * 1024;

    public TunnelRelayOptions Options { get; } = options;

    public TunnelQueueOptions Queue { get; } = queue;

    /// <summary>The counters of the data plane, for dropped packets.</summary>
    public TunnelCounters Counters { get; } = counters;

    public RelayCounters Relayed { get; } = new();

    public TimeProvider Time { get; } = time;

    /// <summary>The memory of waiting datagrams. It is not that of the concentrator's own sessions.</summary>
    public PacketMemory Memory { get; } = new(MaxWaitingPackets);

    /// <summary>The warnings that clients' joins cause here, and those that other concentrators' do.</summary>
    public LogRate Failures { get; } = new(time);

    public LogRate Refusals { get; } = new(time);

    public IcmpErrorRate IcmpErrors { get; } = new(time);
}
