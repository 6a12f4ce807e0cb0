namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Checks the paths of sessions with packets in flight, so that a dead path is noticed even if no more packets are sent. Idle sessions
/// cost nothing.
/// </summary>
internal sealed class PathSupervisor : IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    private static readonly TimeSpan s_hiccup = Interval * 3;

    private readonly Lock _lock = new();
    private readonly List<TunnelSession> _added = [];
    private readonly List<TunnelSession> _watched = [];
    private readonly ITimer _timer;
    private readonly TimeProvider _timeProvider;
    private long _setAt;
    private bool _running;
    private bool _disposed;

    public PathSupervisor(TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _timer = timeProvider.CreateTimer(static state => ((PathSupervisor)state!).Check(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Watch(TunnelSession session)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _added.Add(session);
            if (!_running)
            {
                _running = true;
                SetTimer();
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        _timer.Dispose();
    }

    // Runs one call at a time, because the timer is set again at the end.
    private void Check()
    {
        lock (_lock)
        {
            _watched.AddRange(_added);
            _added.Clear();
        }

        // If this process itself was delayed, missing answers prove nothing: they may be waiting in the socket.
        if (_timeProvider.GetElapsedTime(_setAt) < s_hiccup)
        {
            _watched.RemoveAll(static session => !session.CheckPaths());
        }

        lock (_lock)
        {
            _running = !_disposed && _watched.Count + _added.Count > 0;
            if (_running)
            {
                SetTimer();
            }
        }
    }

    private void SetTimer()
    {
        _setAt = _timeProvider.GetTimestamp();
        _timer.Change(Interval, Timeout.InfiniteTimeSpan);
    }
}
