using System.Numerics;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>The first path that works. Paths are in the order in which they joined.</summary>
internal sealed class ActiveBackupScheduler : IPathScheduler
{
    public int Select(ReadOnlySpan<TunnelPath> paths, uint candidates) => BitOperations.TrailingZeroCount(candidates);
}
