using System.Threading.Tasks.Sources;

namespace MtaTls.AspNetCore.Identities;

/// <summary>A delay that one caller at a time can use again and again. It keeps its timer, so a wait allocates nothing.</summary>
internal sealed class PaceDelay(TimeProvider time) : IValueTaskSource<bool>, IDisposable
{
    private readonly Lock _lock = new();
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private ITimer? _timer;   // this and the following are guarded by _lock
    private long _due;
    private bool _isWaiting;
    private bool _isOver;

    /// <summary>Waits until a time.</summary>
    /// <param name="due">The timestamp to wait for.</param>
    /// <returns>False if <see cref="TryCancel"/> has ended the wait.</returns>
    public ValueTask<bool> WaitAsync(long due)
    {
        lock (_lock)
        {
            TimeSpan left = time.GetElapsedTime(time.GetTimestamp(), due);
            if (_isOver || left <= TimeSpan.Zero)
            {
                return new(true);
            }

            _core.Reset();
            _due = due;
            _isWaiting = true;
            _timer ??= time.CreateTimer(static state => ((PaceDelay)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Arm(left);
            return new ValueTask<bool>(this, _core.Version);
        }
    }

    /// <summary>Cancels the wait. Returns false if there is none.</summary>
    public bool TryCancel()
    {
        lock (_lock)
        {
            if (!_isWaiting)
            {
                return false;
            }

            End(false);
            return true;
        }
    }

    /// <summary>Ends the wait. Later waits return at once.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            _timer?.Dispose();
            if (_isWaiting)
            {
                End(true);
            }
        }
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _core.OnCompleted(continuation, state, token, flags);

    private void OnTimer()
    {
        lock (_lock)
        {
            if (!_isWaiting || _isOver)
            {
                return;
            }

            TimeSpan left = time.GetElapsedTime(time.GetTimestamp(), _due);
            if (left > TimeSpan.Zero)
            {
                // The timer of an earlier wait, or a timer that was a little early.
                Arm(left);
            }
            else
            {
                End(true);
            }
        }
    }

    // Call it under _lock. A timer counts whole milliseconds.
    private void Arm(TimeSpan left) => _timer!.Change(TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(left.TotalMilliseconds), 1, int.MaxValue)), Timeout.InfiniteTimeSpan);

    // Call it under _lock.
    private void End(bool result)
    {
        _isWaiting = false;
        _core.SetResult(result);
    }
}
