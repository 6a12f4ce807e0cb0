using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>Chooses the path of the next packet. Called from several threads at a time; must neither block nor allocate.</summary>
internal interface IPathScheduler
{
    /// <summary>Whether each packet goes over every path that can take it.</summary>
    bool IsRedundant => false;

    /// <summary>The index of one of the paths whose bit is set in <paramref name="candidates"/> (one at least is).</summary>
    int Select(ReadOnlySpan<TunnelPath> paths, uint candidates);
}
