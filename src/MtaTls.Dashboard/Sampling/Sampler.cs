using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;

namespace MtaTls.Dashboard.Sampling;

/// <summary>
/// Takes one sample each second for all viewers together. Without a viewer there is no timer, no meter listener, and no session is read. The last ten minutes of the charts are kept.
/// </summary>
internal sealed class Sampler(IServiceProvider services, MeterReader meters, IOptions<MtaTlsDashboardOptions> options, TimeProvider time) : IDisposable
{
    private const int MaxPoints = 600;

    /// <summary>The most sessions whose numbers are read in one second. With more, they are read in turn.</summary>
    private const int MaxLooks = 1_000;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly IMtaTlsSessions? _sessions = services.GetService<IMtaTlsSessions>();
    private readonly IMtaTlsServerStatus? _status = services.GetService<IMtaTlsServerStatus>();
    private readonly TimeProvider _time = time;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Queue<Point> _points = new(MaxPoints);
    private readonly Dictionary<IMtaTlsSessionFeature, SessionSample> _known = [];
    private SessionSample[] _all = [];
    private int _nextLook;
    private int _sessionViewers;
    private TaskCompletionSource<Sample> _next = NewSource();
    private CancellationTokenSource? _running;
    private Totals _totals;
    private DateTimeOffset _since;
    private Sample? _current;
    private int _viewers;
    private long _number;

    /// <summary>The number of viewers now.</summary>
    public int Viewers => Volatile.Read(ref _viewers);

    /// <summary>Whether samples are taken.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_lock)
            {
                return _running is not null;
            }
        }
    }

    /// <summary>Adds a viewer until it is disposed. Null: there are MaxViewers already.</summary>
    /// <param name="seesSessions">Whether the viewer shows sessions. Without such a viewer no session is read.</param>
    public Viewer? TryWatch(bool seesSessions)
    {
        lock (_lock)
        {
            if (_viewers >= options.Value.MaxViewers)
            {
                return null;
            }

            _sessionViewers += seesSessions ? 1 : 0;
            if (++_viewers == 1)
            {
                Begin();
            }
            else if (seesSessions && _sessionViewers == 1)
            {
                // The current sample has no sessions yet.
                ListSessions();
                _current = _current! with { Sessions = _all };
            }

            return new Viewer(this, seesSessions);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            End();
        }
    }

    private static TaskCompletionSource<Sample> NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Under the lock.
    private void Begin()
    {
        meters.Start();
        _since = _time.GetUtcNow();
        _totals = default;
        _current = null;
        Take(TimeSpan.Zero);
        CancellationTokenSource running = _running = new();
        _ = RunAsync(running.Token);
    }

    // Under the lock.
    private void End()
    {
        if (_running is not { } running)
        {
            return;
        }

        _running = null;
        running.Cancel();
        running.Dispose();
        meters.Stop();
        // The sample must not keep ended sessions in memory while no browser watches.
        _current = null;
        Forget();
    }

    // Under the lock.
    private void Forget()
    {
        _known.Clear();
        _known.TrimExcess();
        _all = [];
    }

    private void Leave(bool sawSessions)
    {
        lock (_lock)
        {
            _sessionViewers -= sawSessions ? 1 : 0;
            if (sawSessions && _sessionViewers == 0)
            {
                Forget();
            }

            if (--_viewers == 0)
            {
                End();
            }
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(s_interval, _time);
        long last = _time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                lock (_lock)
                {
                    if (cancellationToken.IsCancellationRequested)
                    {
                        return;
                    }

                    long now = _time.GetTimestamp();
                    Take(_time.GetElapsedTime(last, now));
                    last = now;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The last viewer has left.
        }
    }

    // Under the lock.
    private void Take(TimeSpan elapsed)
    {
        double seconds = elapsed.TotalSeconds;
        if (_sessionViewers > 0)
        {
            ListSessions();
        }

        meters.Observe();
        var totals = Totals.Read(meters);
        DateTimeOffset at = _time.GetUtcNow();
        Point point = Totals.Point(totals, _totals, at, seconds, _status?.ActiveSessions ?? 0, _status?.ActiveChannels ?? 0);
        _totals = totals;
        if (seconds > 0)
        {
            if (_points.Count == MaxPoints)
            {
                _points.Dequeue();
            }

            _points.Enqueue(point);
        }

        Sample sample = _current = new Sample(++_number, at, _since, point, _all);
        TaskCompletionSource<Sample> source = _next;
        _next = NewSource();
        source.TrySetResult(sample);
    }

    // Under the lock. Reading a session's numbers takes its lock and misses the CPU caches, so only MaxLooks sessions, and the new ones, are read in one second.
    private void ListSessions()
    {
        IReadOnlyList<IMtaTlsSessionFeature> list = _sessions?.List() ?? [];
        long number = _number + 1;
        var all = new SessionSample[list.Count];
        for (int i = 0; i < all.Length; i++)
        {
            if (!_known.TryGetValue(list[i], out SessionSample? known))
            {
                _known.Add(list[i], known = new SessionSample(list[i]));
                known.Look(_time);
            }

            known.SeenIn = number;
            all[i] = known;
        }

        if (_known.Count > all.Length)
        {
            foreach ((IMtaTlsSessionFeature session, SessionSample known) in _known)
            {
                if (known.SeenIn != number)
                {
                    _known.Remove(session);
                }
            }
        }

        for (int looks = Math.Min(MaxLooks, all.Length); looks > 0; looks--)
        {
            _nextLook = (_nextLook + 1) % all.Length;
            all[_nextLook].Look(_time);
        }

        _all = all;
    }

    /// <summary>One browser that watches.</summary>
    internal sealed class Viewer(Sampler sampler, bool seesSessions) : IDisposable
    {
        private int _disposed;

        /// <summary>The points of the last ten minutes.</summary>
        public Point[] Points
        {
            get
            {
                lock (sampler._lock)
                {
                    double least = sampler._time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0 - MaxPoints;
                    return [.. sampler._points.Where(p => p.Time >= least)];
                }
            }
        }

        /// <summary>The newest sample.</summary>
        public Sample Current
        {
            get
            {
                lock (sampler._lock)
                {
                    return sampler._current ?? throw new ObjectDisposedException(nameof(Viewer));
                }
            }
        }

        /// <summary>Waits for a sample that is newer than the one with the number <paramref name="after"/>.</summary>
        public async ValueTask<Sample> NextAsync(long after, CancellationToken cancellationToken)
        {
            Task<Sample> next;
            lock (sampler._lock)
            {
                if (sampler._current is { } current && current.Number > after)
                {
                    return current;
                }

                next = sampler._next.Task;
            }

            return await next.WaitAsync(cancellationToken);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                sampler.Leave(seesSessions);
            }
        }
    }
}
