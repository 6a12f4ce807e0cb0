using System.Collections.Concurrent;

namespace MtaTls.Stress.Soak;

/// <summary>Counts the results of work and prints defects.</summary>
internal sealed class Tally
{
    private const int Printed = 50;

    private readonly ConcurrentDictionary<string, Counts> _kinds = [];
    private int _defects;

    public int Defects => Volatile.Read(ref _defects);

    public long Done => _kinds.Values.Sum(static c => Interlocked.Read(ref c.Done));

    public long Dropped => _kinds.Values.Sum(static c => Interlocked.Read(ref c.Dropped));

    public void Succeeded(string kind) => Interlocked.Increment(ref Of(kind).Done);

    /// <summary>Counts work that failed because its session was reset.</summary>
    public void DroppedWith(string kind) => Interlocked.Increment(ref Of(kind).Dropped);

    public void Defect(string what, object failure)
    {
        if (Interlocked.Increment(ref _defects) <= Printed)
        {
            Console.WriteLine($"DEFECT {what}: {failure}");
        }
    }

    public void Print()
    {
        foreach ((string kind, Counts counts) in _kinds.OrderBy(static k => k.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"  {kind,-24} {counts.Done,9} done {counts.Dropped,6} failed with a dropped session");
        }
    }

    private Counts Of(string kind) => _kinds.GetOrAdd(kind, static _ => new Counts());

    private sealed class Counts
    {
        public long Done, Dropped;
    }
}
