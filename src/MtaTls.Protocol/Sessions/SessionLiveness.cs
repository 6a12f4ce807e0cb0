namespace MtaTls.Protocol;

/// <summary>
/// Detects a peer that no longer answers: sends pings, limits how long this end's opens wait, and ends the session. Each session has one timer, which runs only while there is something to wait for.
/// </summary>
/// <remarks>The lock guards the ping and the timer. It is an innermost lock: the session's lock is never taken while it is held.</remarks>
internal sealed class SessionLiveness : IDisposable
{
    /// <summary>How long an answer may take before this end reacts: after an open without an answer it sends a ping, after a ping without an answer the session is suspected.</summary>
    private static readonly TimeSpan s_doubt = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly MtaTlsSession _session;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _openTimeout;
    private readonly ITimer _timer;
    private long _received;         // when the last bytes arrived; written by the read loop only
    private long _due = long.MaxValue;
    private long _pingSent;         // 0 when no ping waits for its answer
    private TimeSpan _pingTimeout;
    private long _suspectedSince;   // 0 when the session is not suspected
    private bool _disposed;
    private volatile MtaTlsKeepAlivePolicy _policy;

    public SessionLiveness(MtaTlsSession session, MtaTlsSessionOptions options)
    {
        _session = session;
        _time = options.TimeProvider;
        _policy = options.KeepAlivePolicy;
        _interval = options.KeepAliveInterval;
        _timeout = options.KeepAliveTimeout;
        _openTimeout = options.OpenTimeout;
        _received = _time.GetTimestamp();
        _timer = _time.CreateTimer(static liveness => ((SessionLiveness)liveness!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public MtaTlsKeepAlivePolicy Policy
    {
        get => _policy;
        set
        {
            _policy = value;
            Start();
        }
    }

    private bool Pings => _policy != MtaTlsKeepAlivePolicy.Never;

    /// <summary>Whether a ping has waited for a second and no bytes have arrived since.</summary>
    public bool IsSuspected => Volatile.Read(ref _suspectedSince) is not 0 and long since && Volatile.Read(ref _received) <= since;

    public void Start()
    {
        if (Pings)
        {
            Arm(_interval);
        }
    }

    /// <summary>Bytes have arrived. Called by the read loop only.</summary>
    public void OnReceived() => Volatile.Write(ref _received, _time.GetTimestamp());

    /// <summary>This end has sent an open.</summary>
    public void OnOpenSent()
    {
        if (Pings || _openTimeout != Timeout.InfiniteTimeSpan)
        {
            Arm(s_doubt);
        }
    }

    /// <summary>A ping was answered: accepted or refused.</summary>
    public void OnPingAnswered()
    {
        lock (_lock)
        {
            _pingSent = 0;
            Volatile.Write(ref _suspectedSince, 0);
        }
    }

    /// <summary>Sends a ping now, unless an earlier one with the same or a shorter timeout waits for its answer. Without an answer in time the session ends.</summary>
    public void Probe(TimeSpan timeout)
    {
        if (!Pings)
        {
            return;
        }

        lock (_lock)
        {
            if (_disposed || (_pingSent != 0 && _pingTimeout <= timeout))
            {
                return;
            }
        }
        Ping(timeout);
        Arm(s_doubt < timeout ? s_doubt : timeout);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }
        _timer.Dispose();
    }

    private void Tick()
    {
        Volatile.Write(ref _due, long.MaxValue);
        long now = _time.GetTimestamp(), received = Volatile.Read(ref _received);
        long pingSent;
        TimeSpan pingTimeout;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            (pingSent, pingTimeout) = (_pingSent, _pingTimeout);
        }

        TimeSpan next = Timeout.InfiniteTimeSpan;
        if (_session.Signals.ExpireOpens(now, _openTimeout) is { } oldestOpen)
        {
            next = s_doubt;
        }
        else
        {
            oldestOpen = long.MaxValue;
        }

        if (pingSent != 0)
        {
            TimeSpan silence = _time.GetElapsedTime(Math.Max(pingSent, received), now);
            if (silence >= pingTimeout)
            {
                _session.Signals.PeerIsSilent(_time.GetElapsedTime(received, now));
                return;
            }
            if (received <= pingSent && silence >= s_doubt)
            {
                Suspect(now);
            }

            TimeSpan left = pingTimeout - silence;
            next = left < s_doubt ? left : s_doubt;
        }
        else if (Pings)
        {
            TimeSpan silence = _time.GetElapsedTime(received, now);
            bool openIsUnanswered = oldestOpen != long.MaxValue && _time.GetElapsedTime(Math.Max(oldestOpen, received), now) >= s_doubt;
            bool isDue = silence >= _interval && (_policy == MtaTlsKeepAlivePolicy.Always || _session.HasChannels);
            if (openIsUnanswered || isDue)
            {
                Ping(_timeout);
                next = s_doubt < _timeout ? s_doubt : _timeout;
            }
            else if (next == Timeout.InfiniteTimeSpan)
            {
                // A session that needs no ping now (policy WithChannels, no channels) checks again after a whole interval.
                next = silence < _interval ? _interval - silence : _interval;
            }
        }

        if (next != Timeout.InfiniteTimeSpan)
        {
            Arm(next);
        }
    }

    private void Suspect(long now)
    {
        if (Interlocked.CompareExchange(ref _suspectedSince, now, 0) == 0)
        {
            _session.Signals.OnSuspected();
        }
        else if (Volatile.Read(ref _received) > Volatile.Read(ref _suspectedSince))
        {
            // The peer was suspected, has sent bytes since, and is silent again.
            Volatile.Write(ref _suspectedSince, now);
            _session.Signals.OnSuspected();
        }
    }

    private void Ping(TimeSpan timeout)
    {
        long sent = _time.GetTimestamp();
        lock (_lock)
        {
            (_pingSent, _pingTimeout) = (sent, timeout);
        }
        if (!_session.Signals.TrySendPing())
        {
            // A shared budget has no bytes left, or the session has ended. The timer tries again.
            OnPingAnswered();
        }
    }

    /// <summary>Lets the timer run after a delay, or earlier.</summary>
    private void Arm(TimeSpan delay)
    {
        long due = _time.GetTimestamp() + (long)(delay.TotalSeconds * _time.TimestampFrequency);
        if (Volatile.Read(ref _due) <= due)
        {
            return;
        }

        lock (_lock)
        {
            if (_disposed || _due <= due)
            {
                return;
            }

            Volatile.Write(ref _due, due);
            _timer.Change(delay > TimeSpan.FromMilliseconds(1) ? delay : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }
}
