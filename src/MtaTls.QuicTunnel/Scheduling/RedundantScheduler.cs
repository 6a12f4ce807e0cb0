using System.Numerics;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>Every packet over every path.</summary>
internal sealed class RedundantScheduler : IPathScheduler
{
    public bool IsRedundant => true;

    public int Select(ReadOnlySpan<TunnelPath> paths, uint candidates) => BitOperations.TrailingZeroCount(candidates);
}
