using System.Net.NetworkInformation;

namespace MtaTls.Client.Sessions;

/// <summary>What happened to this machine.</summary>
internal enum HostChange
{
    /// <summary>It was suspended, and goes on.</summary>
    Resumed,

    /// <summary>An address was added or removed.</summary>
    AddressesChanged,
}

/// <summary>
/// Notices that this machine was suspended, as the wall clock goes on meanwhile and the monotonic clock does not (or both do, and this does not run), and that its addresses have changed. It keeps nothing alive: a client that
/// nobody refers to is collected.
/// </summary>
internal sealed class HostWatch : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    /// <summary>A clock that is set by less is no suspend.</summary>
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(5);

    /// <summary>Where the monotonic clock goes on during a suspend, as on Windows, its ticks are far apart. Much longer than a busy machine may delay one.</summary>
    private static readonly TimeSpan s_gap = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Action<HostChange> _changed;
    private ITimer? _timer;
    private DateTimeOffset _wall;
    private long _monotonic;
    private bool _disposed;

    public HostWatch(TimeProvider time, Action<HostChange> changed)
    {
        _time = time;
        _changed = changed;
    }

    /// <summary>Begins to watch; does nothing when it does already.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (_timer is not null || _disposed)
            {
                return;
            }

            (_wall, _monotonic) = (_time.GetUtcNow(), _time.GetTimestamp());
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

    private void Look()
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
            wasSuspended = wall - _wall - elapsed >= s_least || elapsed >= s_gap;
            (_wall, _monotonic) = (wall, monotonic);
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

    /// <summary>Looks for as long as there is anybody to tell.</summary>
    private sealed class Ticker(WeakReference<HostWatch> weak)
    {
        public ITimer? Timer { get; set; }

        public void Tick()
        {
            if (weak.TryGetTarget(out HostWatch? watch))
            {
                watch.Look();
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
                // The system does not tell: back-offs and pings go their way.
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
