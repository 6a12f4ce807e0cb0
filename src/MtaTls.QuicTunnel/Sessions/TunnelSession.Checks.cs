namespace MtaTls.QuicTunnel.Sessions;

/// <summary>The checks of a session's paths: which of them answer, and which are asked.</summary>
internal abstract partial class TunnelSession
{
    // How often a path that does not answer is asked. When no path answers any more, more often at first: one of them may be back.
    private static readonly TimeSpan s_askInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_urgentAskInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_urgent = TimeSpan.FromSeconds(1);

    // A peer that answers now and then must not make this end ask more than that.
    private static readonly TimeSpan s_betweenUrgent = TimeSpan.FromSeconds(2);

    // The checks end when nothing was under way at this many checks in a row. At one check a packet may be just between the queue and the network.
    private const int IdleChecks = 2;

    private int _supervised;
    private int _idleChecks; // written by the supervisor alone
    private int _isEvaluating;
    private long _answeredAt; // When a path last answered, as far as the checks know.
    private long _urgentAt; // When this end last began to ask more often.

    /// <summary>Checks all paths, for <see cref="PathSupervisor"/>. False if at several checks in a row no packet has waited or was in flight.</summary>
    public bool CheckPaths()
    {
        EvaluatePaths();
        _idleChecks = IsUnderWay() ? 0 : _idleChecks + 1;
        if (_idleChecks < IdleChecks)
        {
            return true;
        }

        _idleChecks = 0;
        Interlocked.Exchange(ref _supervised, 0);
        // A packet may have been sent meanwhile, and its sender saw the old value.
        return IsUnderWay() && Interlocked.Exchange(ref _supervised, 1) == 0;
    }

    /// <summary>Finds paths that do not answer, that answer again, or that make the tunnel worse. Does nothing while another thread does the same, so that each failure counts once.</summary>
    protected void EvaluatePaths()
    {
        if (Interlocked.Exchange(ref _isEvaluating, 1) != 0)
        {
            return;
        }

        try
        {
            EvaluatePathsCore();
        }
        finally
        {
            Volatile.Write(ref _isEvaluating, 0);
        }
    }

    private void EvaluatePathsCore()
    {
        long now = TimeProvider.GetTimestamp();
        TunnelPath[] paths = Volatile.Read(ref _paths);
        foreach (TunnelPath path in paths)
        {
            bool overdue = path.IsOverdue(now, TimeProvider);
            string? harm = null;
            if (overdue != path.IsStalled)
            {
                path.IsStalled = overdue;
                harm = NoteStall(path, overdue, now);
                if (overdue)
                {
                    AskOthers(paths, path);
                }

                // If no other path works, this one is still used.
                if (!overdue || HasBetter(paths, path))
                {
                    OnPathStateChanged(path, overdue);
                }
            }

            harm ??= path.Health.OnLoss(path.LossRate, now);
            if (harm is not null && HasAnother(paths, path))
            {
                OnPathHarmful(path, harm);
            }

            bool held = path.Health.IsHeld(now);
            if (held != path.IsHarmful)
            {
                path.ForgetLoss();
                path.IsHarmful = held;
            }
        }

        AskQuiet(paths, now);
        AskStalled(paths, now);
        foreach (TunnelPath path in paths)
        {
            if (path.IsLeft && path.Connection.BytesInFlight > 0)
            {
                Drain(path);
            }
        }

        if (Sending is { Waiting: > 0 } sending)
        {
            sending.Wake();
        }
    }

    /// <summary>
    /// Asks the paths that do not answer. QUIC's own probes become ever rarer, so that a network that is back after half a minute would be noticed only after as long again, and if the other network
    /// fails meanwhile, the session would wait for that.
    /// </summary>
    private void AskStalled(TunnelPath[] paths, long now)
    {
        bool isSilent = !Array.Exists(paths, static path => path.IsAnswering);
        if (!isSilent)
        {
            _answeredAt = now;
        }
        else if (TimeProvider.GetElapsedTime(_answeredAt, now) < s_urgent && TimeProvider.GetElapsedTime(_urgentAt, now) >= s_betweenUrgent)
        {
            _urgentAt = now;
        }

        TimeSpan interval = isSilent && TimeProvider.GetElapsedTime(_urgentAt, now) < s_urgent ? s_urgentAskInterval : s_askInterval;
        foreach (TunnelPath path in paths)
        {
            if (path.IsStalled && !path.IsReportedUnavailable && path.Connection.IsConnected && path.MayAsk(now, interval))
            {
                path.Connection.Ping();
            }
        }
    }

    /// <summary>Asks the paths that may take over from one that does not answer. The peer thereby learns the port that a translator now uses there.</summary>
    private static void AskOthers(TunnelPath[] paths, TunnelPath stalled)
    {
        foreach (TunnelPath path in paths)
        {
            if (path != stalled && path.IsAnswering)
            {
                path.Connection.Ping();
            }
        }
    }

    private static void AskQuiet(TunnelPath[] paths, long now)
    {
        foreach (TunnelPath path in paths)
        {
            if (path.HasBecomeQuiet(now) && path.IsAnswering && paths.Length > 1)
            {
                path.Connection.Ping();
            }
        }
    }

    private static string? NoteStall(TunnelPath path, bool stalled, long now)
    {
        if (!stalled)
        {
            return path.Health.OnAnswering(now);
        }

        path.Health.OnStalled(now);
        return null;
    }

    private bool IsUnderWay()
    {
        if (Sending is { Waiting: > 0 } && !Paths.IsEmpty)
        {
            return true;
        }

        foreach (TunnelPath path in Volatile.Read(ref _paths))
        {
            if (path.Connection.UnansweredSinceTimestamp != 0 || path.Connection.BytesInFlight > 0 || path.Connection.QueuedDatagrams > 0 || path.MayBecomeQuiet)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Checks the paths now and, while a packet waits or is in flight, again and again.</summary>
    protected void Supervise()
    {
        if (Volatile.Read(ref _supervised) != 0 || Interlocked.Exchange(ref _supervised, 1) != 0)
        {
            return;
        }
        // The first packet after a pause: a path may have failed meanwhile.
        EvaluatePaths();
        _supervisor.Watch(this);
    }
}
