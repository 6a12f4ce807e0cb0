using System.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.Stress.Hosting;

/// <summary>The resources of one process at one time.</summary>
internal sealed record ProcessSample
{
    /// <summary>The working set in bytes.</summary>
    public long WorkingSet { get; init; }

    /// <summary>Bytes of managed objects, including dead ones that were not collected yet.</summary>
    public long Heap { get; init; }

    /// <summary>Open file descriptors.</summary>
    public int Handles { get; init; }

    public int Threads { get; init; }

    public int Sessions { get; init; }

    public int Channels { get; init; }

    /// <summary>Blocks of the pool that are in use.</summary>
    public long Blocks { get; init; }

    /// <summary>Server: running requests.</summary>
    public int Requests { get; init; }

    /// <summary>Server: reserved bytes of the receive budget.</summary>
    public long Reserved { get; init; }

    /// <summary>Server: TLS handshakes and sessions that count against their limits.</summary>
    public int Others { get; init; }

    /// <summary>Whether no resource of any connection remains.</summary>
    public bool IsIdle => (Sessions, Channels, Blocks, Requests, Reserved, Others) == (0, 0, 0L, 0, 0L, 0);

    /// <summary>Measures this process, without the values that only the server or the client knows.</summary>
    /// <param name="collect">Whether garbage is collected first, so that <see cref="Heap"/> contains only live objects.</param>
    public static ProcessSample Take(bool collect)
    {
        if (collect)
        {
            // The second collection frees objects that the finalizers of the first have released.
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
        $"{WorkingSet / 1048576.0:0.0} MiB working set, {Heap / 1048576.0:0.0} MiB heap, {Handles} handles, {Threads} threads; {Sessions} sessions, {Channels} channels, {Blocks} blocks, {Requests} requests, {Reserved} bytes reserved, {Others} others");
}
