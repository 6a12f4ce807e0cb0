using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>The sessions to one endpoint and the room in them. Callers that wait for room are served in the order in which they came, as soon as a channel ends or a session is added.</summary>
/// <param name="maxSessions">The most sessions that take new channels.</param>
/// <param name="time">The clock.</param>
internal sealed class SessionPool(int maxSessions, TimeProvider time)
{
    /// <summary>Sessions that take no more channels but still serve some do not count against the limit, up to so many times the limit: a server may ask all sessions to be left.</summary>
    private const int MaxLeaving = 3;

    private readonly Lock _gate = new();
    private readonly List<ClientSession> _sessions = [];
    private readonly LinkedList<RoomWaiter> _waiters = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Whether a session takes channels, full or not.</summary>
    public bool HasUsable
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Exists(static s => s.IsUsable);
            }
        }
    }

    public bool HasRoom
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Exists(static s => s.HasRoom);
            }
        }
    }

    /// <summary>Whether another session may be connected.</summary>
    public bool MayGrow
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Count(static s => s.IsUsable) < maxSessions && _sessions.Count < (1 + MaxLeaving) * maxSessions;
            }
        }
    }

    /// <summary>Ends when a session is added, is gone, or takes no more channels.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    public ClientSession[] Snapshot()
    {
        lock (_gate)
        {
            return [.. _sessions];
        }
    }

    /// <summary>Bytes of the channels that are open now, of the sessions that are open now.</summary>
    public void AddStatistics(ref long received, ref long sent)
    {
        foreach (ClientSession session in Snapshot())
        {
            MtaTlsSessionStatistics statistics = session.Session.GetStatistics();
            received += statistics.BytesReceived;
            sent += statistics.BytesSent;
        }
    }

    /// <summary>Takes room in a session, unless others wait for it.</summary>
    public bool TryTake([NotNullWhen(true)] out ClientSession? session)
    {
        lock (_gate)
        {
            session = _waiters.Count == 0 ? FindRoom() : null;
            session?.Take();
            return session is not null;
        }
    }

    /// <summary>Takes room in a session that is to be left but is still served: better than none.</summary>
    public bool TryTakeLeaving([NotNullWhen(true)] out ClientSession? session)
    {
        lock (_gate)
        {
            session = _sessions.Find(s => s.HasRoomWhileLeaving(time));
            session?.Take();
            return session is not null;
        }
    }

    /// <summary>Waits for room, behind those that wait already.</summary>
    public RoomWaiter Enqueue()
    {
        var waiter = new RoomWaiter();
        lock (_gate)
        {
            waiter.Node = _waiters.AddLast(waiter);
            Serve();
        }
        return waiter;
    }

    /// <summary>A caller no longer waits. What it was given and did not take is the next one's.</summary>
    public void Leave(RoomWaiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Node is { } node)
            {
                _waiters.Remove(node);
                waiter.Node = null;
            }
            else if (!waiter.HasTaken)
            {
                waiter.Given!.GiveBack();
                Serve();
            }
        }
    }

    public void Add(ClientSession session)
    {
        lock (_gate)
        {
            _sessions.Add(session);
            Serve();
            RaiseChanged();
        }
    }

    public bool Remove(ClientSession session)
    {
        lock (_gate)
        {
            bool removed = _sessions.Remove(session);
            if (removed)
            {
                RaiseChanged();
            }

            return removed;
        }
    }

    /// <summary>Removes a session that has no channel.</summary>
    public bool RemoveIfIdle(ClientSession session)
    {
        lock (_gate)
        {
            return session.Channels == 0 && Remove(session);
        }
    }

    /// <summary>A channel of the session has ended, or was not opened.</summary>
    /// <returns>Whether it was the last one.</returns>
    public bool Release(ClientSession session, bool wasOpen)
    {
        lock (_gate)
        {
            session.GiveBack();
            if (wasOpen)
            {
                session.ForgetLimit();
            }

            Serve();
            return session.Channels == 0;
        }
    }

    /// <summary>A channel was refused for want of room. Whether another session may have some: false where it was the session's only channel, so that the server has room for none.</summary>
    public bool LearnLimit(ClientSession session)
    {
        lock (_gate)
        {
            if (session.Channels <= 1 && session.Session.ActiveChannels == 0)
            {
                return false;
            }

            session.LearnLimit();
            return true;
        }
    }

    /// <summary>Runs something that changes what a session takes, and tells those that wait.</summary>
    public void Update(ClientSession session, Action<ClientSession> change)
    {
        lock (_gate)
        {
            change(session);
            RaiseChanged();
        }
    }

    /// <summary>Room may have come without a call of this class: the server has confirmed the end of a channel.</summary>
    public void LookAgain()
    {
        lock (_gate)
        {
            if (_waiters.Count > 0)
            {
                Serve();
            }
        }
    }

    public MtaTlsChannelRefusedException Full(ClientSettings settings)
    {
        lock (_gate)
        {
            return new MtaTlsChannelRefusedException(string.Create(
                CultureInfo.InvariantCulture,
                $"all {_sessions.Count} sessions with {settings.Endpoint} were full for {settings.ConnectTimeout} (MaxSessions is {maxSessions}, the channels are {string.Join(" + ", _sessions.Select(static s => s.Channels))})"));
        }
    }

    // Under the lock.
    private ClientSession? FindRoom() => _sessions.Find(static s => s.HasRoom);

    // Under the lock.
    private void Serve()
    {
        while (_waiters.First is { } first && FindRoom() is { } session)
        {
            session.Take();
            _waiters.Remove(first);
            first.Value.Node = null;
            first.Value.Give(session);
        }
    }

    /// <summary>What the sessions take has changed.</summary>
    public void RaiseChanged()
    {
        lock (_gate)
        {
            TaskCompletionSource changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            changed.SetResult();
        }
    }
}
