using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>Decides which waiting packet a path sends that can send now. Called under the lock of the send side. It must neither block nor allocate.</summary>
internal interface IPathScheduler
{
    /// <summary>Whether slower paths have nothing to send while few packets wait, so that they need not be woken.</summary>
    bool PrefersQuickest { get; }

    /// <summary>
    /// Returns how many waiting bytes other paths will send before the packet that this path sends, because they deliver those bytes sooner. <see cref="PathChoice.Nothing"/> if the path must send nothing now.
    /// </summary>
    /// <param name="choice">The usable paths, their estimates, and the path that can send.</param>
    long Ahead(in PathChoice choice);
}
