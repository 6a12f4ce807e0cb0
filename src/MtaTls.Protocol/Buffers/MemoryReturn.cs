namespace MtaTls.Protocol;

/// <summary>
/// Gives memory back to the system after a flood: every ten seconds it releases the pool's blocks that were not needed in that time. It runs while there are sessions, and after the last
/// one until the pool is empty.
/// </summary>
/// <remarks>
/// The blocks are pinned, and the runtime frees pinned memory only in a full garbage collection. A server that is idle after a flood allocates nothing, so the runtime might not collect for hours.
/// Therefore, when at least <see cref="WorthCollecting"/> bytes were released and no full collection followed within one interval, this class starts one in the background. Set the
/// AppContext switch <see cref="Switch"/> to false to turn that off.
/// </remarks>
internal sealed class MemoryReturn : IDisposable
{
    public const string Switch = "MtaTls.CollectAfterFlood";

    /// <summary>The bytes that must have been released before a garbage collection is worth its cost.</summary>
    internal const long WorthCollecting = 32 << 20;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly ITimer _timer;
    private readonly Func<long> _trim;
    private readonly Func<bool> _isEmpty;
    private readonly Func<int> _collections;
    private readonly Action _collect;
    private int _sessions;
    private bool _armed;
    private long _givenUp;
    private int _seenCollections;

    public MemoryReturn(TimeProvider time, Func<long> trim, Func<bool> isEmpty, Func<int> collections, Action collect)
    {
        (_trim, _isEmpty, _collections, _collect) = (trim, isEmpty, collections, collect);
        _timer = time.CreateTimer(static state => ((MemoryReturn)state!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The instance for the process's block pool.</summary>
    public static MemoryReturn Shared { get; } = new(
        TimeProvider.System, BlockPool.Trim, static () => BlockPool.FreeBytes == 0, static () => GC.CollectionCount(2),
        static () => GC.Collect(2, GCCollectionMode.Forced, blocking: false));

    public void SessionStarted()
    {
        lock (_lock)
        {
            _sessions++;
            Arm();
        }
    }

    public void SessionEnded()
    {
        lock (_lock)
        {
            _sessions--;
            Arm();
        }
    }

    public void Dispose() => _timer.Dispose();

    // Under the lock.
    private void Arm()
    {
        if (!_armed)
        {
            _armed = true;
            _timer.Change(s_interval, Timeout.InfiniteTimeSpan);
        }
    }

    private void Tick()
    {
        bool collect = false;
        lock (_lock)
        {
            _armed = false;
            int collections = _collections();
            if (collections != _seenCollections)
            {
                // A collection ran: it freed what was released before.
                (_seenCollections, _givenUp) = (collections, 0);
            }

            long before = _givenUp;
            _givenUp += _trim();
            // The runtime gets one interval to collect by itself.
            collect = before >= WorthCollecting;
            if (_sessions > 0 || !_isEmpty() || _givenUp >= WorthCollecting)
            {
                Arm();
            }
        }

        if (collect && (!AppContext.TryGetSwitch(Switch, out bool isOn) || isOn))
        {
            _collect();
        }
    }
}
