using System.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.Stress.Hosting;

/// <summary>What one process has at an instant.</summary>
internal sealed record ProcessSample
{
    /// <summary>Octets.</summary>
    public long WorkingSet { get; init; }

    /// <summary>Octets of managed objects, dead ones that were not collected yet included.</summary>
    public long Heap { get; init; }

    /// <summary>File descriptors.</summary>
    public int Handles { get; init; }

    public int Threads { get; init; }

    public int Sessions { get; init; }

    public int Channels { get; init; }

    /// <summary>Blocks of the pool that somebody has.</summary>
    public long Blocks { get; init; }

    /// <summary>Server: requests under way.</summary>
    public int Requests { get; init; }

    /// <summary>Server: octets of the receive budget that are reserved.</summary>
    public long Reserved { get; init; }

    /// <summary>Server: TLS handshakes and sessions that count against their limits.</summary>
    public int Others { get; init; }

    /// <summary>Whether nothing of any connection is left.</summary>
    public bool IsIdle => (Sessions, Channels, Blocks, Requests, Reserved, Others) == (0, 0, 0L, 0, 0L, 0);

    /// <summary>This process, without what only the server or the client knows.</summary>
    /// <param name="collect">Collect garbage first, so that <see cref="Heap"/> is what lives.</param>
    public static ProcessSample Take(bool collect)
    {
        if (collect)
        {
            // The second run takes what finalizers of the first let go.
            for (int i = 0; i < 2; i++)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                GC.WaitForPendingFinalizers();
            }
        }

        using var process = Process.GetCurrentProcess();
        return new ProcessSample
        {
            WorkingSet = process.WorkingSet64,
            Heap = GC.GetTotalMemory(false),
            Handles = process.HandleCount,
            Threads = process.Threads.Count,
            Blocks = BlockPool.InUse,
        };
    }

    public override string ToString() => FormattableString.Invariant(
        $"{WorkingSet / 1048576.0:0.0} MiB working set, {Heap / 1048576.0:0.0} MiB heap, {Handles} handles, {Threads} threads; {Sessions} sessions, {Channels} channels, {Blocks} blocks, {Requests} requests, {Reserved} octets reserved, {Others} others");
}
