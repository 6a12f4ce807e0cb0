using System.Runtime.CompilerServices;

namespace MtaTls.Protocol;

/// <summary>
/// Flushes, and decides how much is written before a flush: 16 to 64 KiB. A large flush is cheaper per byte, but on a slow connection the next packet waits for all of it, so the amount drops when a flush
/// takes longer than a millisecond. Also detects a peer that does not read. Only the send loop uses it, except <see cref="IsStuck"/> and the timer.
/// </summary>
internal sealed class FlushPacer : IDisposable
{
    private const int MinThreshold = 16 * 1024, MaxThreshold = 64 * 1024;

    /// <summary>The longest time that a flush should delay the next packet.</summary>
    private static readonly TimeSpan s_long = TimeSpan.FromMilliseconds(1);

    /// <summary>How long a flush may take before the peer counts as one that does not read. That matters only while a send budget is exceeded.</summary>
    private static readonly TimeSpan s_stuck = TimeSpan.FromSeconds(1);

    private readonly MtaTlsSession _session;
    private readonly IMtaTlsTransport _transport;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _began;   // 0: no flush waits for the peer
    private int _unflushed;
    private int _threshold = MaxThreshold;

    public FlushPacer(MtaTlsSession session, IMtaTlsTransport transport, TimeProvider time)
    {
        (_session, _transport, _time) = (session, transport, time);
        _timer = time.CreateTimer(static pacer => ((FlushPacer)pacer!).OnFlushWaits(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether enough was written for a flush.</summary>
    public bool IsFlushDue => _unflushed >= _threshold;

    /// <summary>Whether anything was written since the last flush.</summary>
    public bool HasUnflushed => _unflushed > 0;

    /// <summary>Whether a flush has waited for the peer for a second.</summary>
    public bool IsStuck => Volatile.Read(ref _began) is not 0 and long began && _time.GetElapsedTime(began) >= s_stuck;

    public void Written(int bytes) => _unflushed += bytes;

    /// <summary>Flushes. The peer may take as long as <see cref="MtaTlsSessionLimits.WriteStallTimeout"/> to make room.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask FlushAsync()
    {
        bool isFull = IsFlushDue, isLong = false;
        _unflushed = 0;
        ValueTask flush = _transport.FlushAsync();
        if (flush.IsCompleted)
        {
            await flush.ConfigureAwait(false);
        }
        else
        {
            long began = _time.GetTimestamp();
            Volatile.Write(ref _began, began);
            _timer.Change(s_stuck, s_stuck);
            await flush.ConfigureAwait(false);
            Volatile.Write(ref _began, 0);
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            isLong = _time.GetElapsedTime(began) > s_long;
        }

        if (isLong)
        {
            _threshold = MinThreshold;
        }
        else if (isFull)
        {
            _threshold = Math.Min(2 * _threshold, MaxThreshold);
        }
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>Runs each second while a flush waits for the peer.</summary>
    private void OnFlushWaits()
    {
        if (Volatile.Read(ref _began) is not (not 0 and long began))
        {
            return;
        }

        if (_session.SendBudget.IsExceeded)
        {
            _session.CloseStuckChannels();
        }

        TimeSpan limit = _session.Limits.WriteStallTimeout;
        if (limit == Timeout.InfiniteTimeSpan || _time.GetElapsedTime(began) < limit)
        {
            return;
        }

        _session.AbortFor(MtaTlsSessionLimit.WriteStallTimeout, $"The peer does not read: a flush did not end within WriteStallTimeout ({limit}).");
    }
}
