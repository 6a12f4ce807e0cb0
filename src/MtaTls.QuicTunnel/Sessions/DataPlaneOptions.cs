using MtaTls.Quic.Ngtcp2;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>What every session of one concentrator or client shares.</summary>
internal sealed record DataPlaneOptions(
    TunnelScheduler Scheduler,
    TunnelQueueOptions Queue,
    TunnelReorderingOptions Reordering,
    DatagramPool Pool,
    TunnelCounters Counters,
    TimeProvider TimeProvider)
{
    private const int PacketSlot = 2048, MaxWaitingPackets = 32 * 1024;

    /// <summary>Makes the memory of the packets that wait, or are under way.</summary>
    public static DatagramPool CreatePool() => new(PacketSlot, MaxWaitingPackets);
}
