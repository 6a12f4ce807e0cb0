namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Looks after the sessions that have packets under way, so that a path is left also when its sender has nothing more to say. Costs nothing
/// for sessions that are idle.
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

    // One call at a time: the timer is set again at its end.
    private void Check()
    {
        lock (_lock)
        {
            _watched.AddRange(_added);
            _added.Clear();
        }

        // Where this process itself did not get to run, the peers' silence says nothing of them: the answers may be waiting to be read.
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
