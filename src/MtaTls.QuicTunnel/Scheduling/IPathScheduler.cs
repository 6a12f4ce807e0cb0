using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>Decides which packet of those that wait goes over a path that can send now. Called under the session's lock; must neither block nor allocate.</summary>
internal interface IPathScheduler
{
    /// <summary>Whether a slower path has nothing to do while little waits, and need not be asked.</summary>
    bool PrefersQuickest { get; }

    /// <summary>
    /// How many bytes of those that wait are left to other paths, which deliver them sooner, before the packet that goes over this path; <see cref="PathChoice.Nothing"/> when it should send nothing now.
    /// </summary>
    /// <param name="choice">The paths that work, what is known of them, and the one that asks.</param>
    long Ahead(in PathChoice choice);
}
