using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>What every session of one concentrator or client shares.</summary>
internal sealed record DataPlaneOptions(
    TunnelScheduler Scheduler,
    bool ReorderingEnabled,
    TimeSpan ReorderingMaxDelay,
    int ReorderingMaxPackets,
    TunnelCounters Counters,
    TimeProvider TimeProvider);
