using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>The sessions with one endpoint and their room for channels. Waiting callers get room in order, as soon as a channel ends or a session is added.</summary>
/// <param name="maxSessions">The most sessions that take new channels.</param>
/// <param name="time">The clock.</param>
internal sealed class SessionPool(int maxSessions, TimeProvider time)
{
    /// <summary>Draining sessions do not count against the limit, up to this many times the limit, because a server may send a go-away on all sessions.</summary>
    private const int MaxDrainingFactor = 3;

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
                return _sessions.Count(static s => s.IsUsable) < maxSessions && _sessions.Count < (1 + MaxDrainingFactor) * maxSessions;
            }
        }
    }

    /// <summary>A task that completes when a session is added or removed, or takes no more channels.</summary>
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

    /// <summary>Adds the bytes of all channels of the open sessions, also of channels that are closed.</summary>
    public void AddStatistics(ref long received, ref long sent)
    {
        foreach (ClientSession session in Snapshot())
        {
            MtaTlsSessionStatistics statistics = session.Session.GetStatistics();
            received += statistics.BytesReceived;
            sent += statistics.BytesSent;
        }
    }

    /// <summary>Takes room in a session, unless other callers wait for room.</summary>
    public bool TryTake([NotNullWhen(true)] out ClientSession? session)
    {
        lock (_gate)
        {
            session = _waiters.Count == 0 ? FindRoom() : null;
            session?.Take();
            return session is not null;
        }
    }

    /// <summary>Takes room in a draining session on which the server still accepts channels, because there is no other.</summary>
    public bool TryTakeDraining([NotNullWhen(true)] out ClientSession? session)
    {
        lock (_gate)
        {
            session = _sessions.Find(s => s.HasRoomWhileLeaving(time));
            session?.Take();
            return session is not null;
        }
    }

    /// <summary>Adds a caller to the end of the queue for room.</summary>
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

    /// <summary>Removes a caller that no longer waits. Room that it has got and not used goes to the next caller.</summary>
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

    /// <summary>Releases the room of a channel that has ended or was not opened.</summary>
    /// <returns>Whether it was the last one.</returns>
    public bool Release(ClientSession session, bool wasOpen)
    {
        lock (_gate)
        {
            session.GiveBack();
            if (wasOpen)
            {
                session.RaiseLimit();
            }

            Serve();
            return session.Channels == 0;
        }
    }

    /// <summary>Lowers the limit of a session after a refusal because it is full. Returns whether another session may have room: false if it was the session's only channel, so that the server has no room at all.</summary>
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

    /// <summary>Changes a session under the lock, and notifies waiting callers.</summary>
    public void Update(ClientSession session, Action<ClientSession> change)
    {
        lock (_gate)
        {
            change(session);
            RaiseChanged();
        }
    }

    /// <summary>Checks again for room, because the server has confirmed the end of a channel.</summary>
    public void CheckRoom()
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

    // Call it under _gate.
    private ClientSession? FindRoom() => _sessions.Find(static s => s.HasRoom);

    // Call it under _gate.
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

    /// <summary>Completes <see cref="Changed"/>.</summary>
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
