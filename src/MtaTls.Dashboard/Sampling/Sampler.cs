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

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly IMtaTlsSessions? _sessions = services.GetService<IMtaTlsSessions>();
    private readonly TimeProvider _time = time;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Queue<Point> _points = new(MaxPoints);
    private Dictionary<IMtaTlsSessionFeature, (long Received, long Sent)> _before = [];
    private Dictionary<IMtaTlsSessionFeature, (long Received, long Sent)> _spare = [];
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
    public Viewer? TryWatch()
    {
        lock (_lock)
        {
            if (_viewers >= options.Value.MaxViewers)
            {
                return null;
            }

            if (++_viewers == 1)
            {
                Begin();
            }

            return new Viewer(this);
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
        _before.Clear();
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
        _before = [];
        _spare = [];
    }

    private void Leave()
    {
        lock (_lock)
        {
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
        IReadOnlyList<IMtaTlsSessionFeature> list = _sessions?.List() ?? [];
        var samples = new SessionSample[list.Count];
        double seconds = elapsed.TotalSeconds;
        int channels = 0;
        Dictionary<IMtaTlsSessionFeature, (long, long)> now = _spare;
        now.Clear();
        now.EnsureCapacity(samples.Length);
        for (int i = 0; i < samples.Length; i++)
        {
            IMtaTlsSessionFeature session = list[i];
            (long received, long sent) = (session.BytesReceived, session.BytesSent);
            // A session that is new has begun with nothing.
            (long receivedBefore, long sentBefore) = _before.GetValueOrDefault(session);
            bool isRated = seconds > 0;
            samples[i] = new SessionSample(
                session, session.ActiveChannels, received, sent, isRated ? 8 * (received - receivedBefore) / seconds : 0, isRated ? 8 * (sent - sentBefore) / seconds : 0);
            now[session] = (received, sent);
            channels += samples[i].Channels;
        }

        (_spare, _before) = (_before, now);
        meters.Observe();
        var totals = Totals.Read(meters);
        DateTimeOffset at = _time.GetUtcNow();
        Point point = Totals.Point(totals, _totals, at, seconds, samples.Length, channels);
        _totals = totals;
        if (seconds > 0)
        {
            if (_points.Count == MaxPoints)
            {
                _points.Dequeue();
            }

            _points.Enqueue(point);
        }

        Sample sample = _current = new Sample(++_number, at, _since, point, samples);
        TaskCompletionSource<Sample> source = _next;
        _next = NewSource();
        source.TrySetResult(sample);
    }

    /// <summary>One who watches.</summary>
    internal sealed class Viewer(Sampler sampler) : IDisposable
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
                sampler.Leave();
            }
        }
    }
}
