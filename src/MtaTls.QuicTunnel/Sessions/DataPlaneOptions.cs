using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Queueing;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>The options and resources that all sessions of one concentrator or client share.</summary>
internal sealed record DataPlaneOptions(
    TunnelScheduler Scheduler,
    TunnelQueueOptions Queue,
    TunnelReorderingOptions Reordering,
    PacketMemory Memory,
    TunnelCounters Counters,
    TimeProvider TimeProvider)
{
    private const int MaxWaitingPackets = 32 * 1024;

    /// <summary>Creates the memory for packets that wait or are in flight.</summary>
    public static PacketMemory CreateMemory() => new(MaxWaitingPackets);
}
