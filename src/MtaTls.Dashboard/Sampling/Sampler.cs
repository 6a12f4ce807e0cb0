using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;

namespace MtaTls.Dashboard.Sampling;

/// <summary>
/// Takes a sample a second while somebody watches: one for all viewers. While nobody does there is no timer, no listener of the meters and no look at any session. The charts' last ten minutes stay.
/// </summary>
internal sealed class Sampler(IServiceProvider services, MeterReader meters, IOptions<MtaTlsDashboardOptions> options, TimeProvider time) : IDisposable
{
    private const int MaxPoints = 600;

    /// <summary>Sessions whose numbers are read in one second; of more, each is looked at in turn.</summary>
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

    /// <summary>Viewers now.</summary>
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

    /// <summary>Counts a viewer, until it is disposed. Null, and nothing counted, where there are as many as there may be.</summary>
    /// <param name="seesSessions">Whether the viewer sees the list of sessions; for others no session is looked at.</param>
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
                // The sample that is there has no sessions.
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
        // No session stays in memory for a page that nobody looks at.
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
            // The last viewer has gone.
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

    // Under the lock. A session's numbers are behind its lock and in memory that nobody else has just used, so only so many are read in one second, beside those that are new.
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

    /// <summary>One who watches.</summary>
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

        /// <summary>The next sample: the newest one where that is later than the one with a number.</summary>
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
