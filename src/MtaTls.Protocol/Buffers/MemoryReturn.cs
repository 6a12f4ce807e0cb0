namespace MtaTls.Protocol;

/// <summary>
/// Gives memory back to the system after a flood: as long as there are sessions, and until the pool is empty after the last, it has blocks given up that nobody needed for some seconds.
/// </summary>
/// <remarks>
/// The blocks are pinned, and the runtime frees pinned memory only in a full collection. A server that is idle after a flood allocates nothing, so none would come for hours. So when much was given up
/// and no full collection has come by itself meanwhile, one is asked for. It runs in the background, and only after a flood. The AppContext switch <see cref="Switch"/>, set to false, turns that off.
/// </remarks>
internal sealed class MemoryReturn : IDisposable
{
    public const string Switch = "MtaTls.CollectAfterFlood";

    /// <summary>How much must have been given up to be worth a collection.</summary>
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

    /// <summary>The process's.</summary>
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
                // What was given up before it is free already.
                (_seenCollections, _givenUp) = (collections, 0);
            }

            long before = _givenUp;
            _givenUp += _trim();
            // It has one interval to come by itself.
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
