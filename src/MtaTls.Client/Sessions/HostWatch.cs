using System.Net.NetworkInformation;

namespace MtaTls.Client.Sessions;

/// <summary>A change of this machine.</summary>
internal enum HostChange
{
    /// <summary>The machine was suspended and has resumed.</summary>
    Resumed,

    /// <summary>An IP address was added or removed.</summary>
    AddressesChanged,
}

/// <summary>
/// Notices that this machine was suspended, and that its IP addresses have changed. A suspend shows in two ways: the wall clock continues and the monotonic clock does not, or both continue but the timer does not
/// run. The watch holds only weak references, so the garbage collector can free an abandoned client.
/// </summary>
internal sealed class HostWatch : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    /// <summary>The least difference between the clocks that counts as a suspend. Smaller differences come from setting the clock.</summary>
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(5);

    /// <summary>The least time between two ticks that counts as a suspend, for systems such as Windows on which the monotonic clock continues. A busy machine delays a tick much less.</summary>
    private static readonly TimeSpan s_gap = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Action<HostChange> _changed;
    private ITimer? _timer;
    private DateTimeOffset _wallClock;
    private long _monotonic;
    private bool _disposed;

    public HostWatch(TimeProvider time, Action<HostChange> changed)
    {
        _time = time;
        _changed = changed;
    }

    /// <summary>Begins to watch. Later calls do nothing.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (_timer is not null || _disposed)
            {
                return;
            }

            (_wallClock, _monotonic) = (_time.GetUtcNow(), _time.GetTimestamp());
            var weak = new WeakReference<HostWatch>(this);
            var tick = new Ticker(weak);
            _timer = tick.Timer = _time.CreateTimer(static state => ((Ticker)state!).Tick(), tick, s_period, s_period);
            Addresses.Add(weak);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    private void CheckClocks()
    {
        DateTimeOffset wall = _time.GetUtcNow();
        long monotonic = _time.GetTimestamp();
        bool wasSuspended;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            TimeSpan elapsed = _time.GetElapsedTime(_monotonic, monotonic);
            wasSuspended = wall - _wallClock - elapsed >= s_least || elapsed >= s_gap;
            (_wallClock, _monotonic) = (wall, monotonic);
        }
        if (wasSuspended)
        {
            _changed(HostChange.Resumed);
        }
    }

    private void OnAddressesChanged()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }
        }
        _changed(HostChange.AddressesChanged);
    }

    /// <summary>The timer's callback, which stops the timer when the watch was collected.</summary>
    private sealed class Ticker(WeakReference<HostWatch> weak)
    {
        public ITimer? Timer { get; set; }

        public void Tick()
        {
            if (weak.TryGetTarget(out HostWatch? watch))
            {
                watch.CheckClocks();
            }
            else
            {
                Timer?.Dispose();
            }
        }
    }

    /// <summary>One subscription of the process to the system's events, for all clients.</summary>
    private static class Addresses
    {
        private static readonly Lock s_lock = new();
        private static readonly List<WeakReference<HostWatch>> s_watches = [];
        private static bool s_subscribed;

        public static void Add(WeakReference<HostWatch> watch)
        {
            lock (s_lock)
            {
                s_watches.RemoveAll(static w => !w.TryGetTarget(out _));
                s_watches.Add(watch);
                if (s_subscribed)
                {
                    return;
                }

                s_subscribed = true;
            }
            try
            {
                NetworkChange.NetworkAddressChanged += OnChanged;
            }
            catch (NetworkInformationException)
            {
                // This system does not report changes. Back-offs and pings work without them.
            }
        }

        private static void OnChanged(object? sender, EventArgs e)
        {
            WeakReference<HostWatch>[] watches;
            lock (s_lock)
            {
                watches = [.. s_watches];
            }
            foreach (WeakReference<HostWatch> weak in watches)
            {
                if (weak.TryGetTarget(out HostWatch? watch))
                {
                    watch.OnAddressesChanged();
                }
            }
        }
    }
}
