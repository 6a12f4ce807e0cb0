namespace MtaTls.AspNetCore.Connections;

/// <summary>The channels of a session that wait for their first data, in the order in which they were opened.</summary>
internal sealed class WaitingChannels
{
    private readonly Lock _lock = new();
    private ServerChannel? _first;
    private ServerChannel? _last;

    public void Add(ServerChannel waiting)
    {
        lock (_lock)
        {
            waiting.Previous = _last;
            waiting.Phase = ServerChannelPhase.Waiting;
            if (_last is null)
            {
                _first = waiting;
            }
            else
            {
                _last.Next = waiting;
            }

            _last = waiting;
        }
    }

    /// <summary>Removes a channel.</summary>
    /// <returns>Whether this call removed it. Of several concurrent callers one alone gets true.</returns>
    public bool Remove(ServerChannel waiting)
    {
        lock (_lock)
        {
            return Unlink(waiting);
        }
    }

    /// <summary>Removes and returns the channel that has waited longest, if it was opened at the given time or before; else null.</summary>
    public ServerChannel? TakeOpenedUntil(long timestamp)
    {
        lock (_lock)
        {
            return _first is { } first && first.OpenedAt <= timestamp && Unlink(first) ? first : null;
        }
    }

    /// <summary>Calls the action for each channel, under the lock.</summary>
    public void ForEach(Action<ServerChannel> look)
    {
        lock (_lock)
        {
            for (ServerChannel? waiting = _first; waiting is not null; waiting = waiting.Next)
            {
                look(waiting);
            }
        }
    }

    private bool Unlink(ServerChannel waiting)
    {
        if (waiting.Phase != ServerChannelPhase.Waiting)
        {
            return false;
        }

        if (waiting.Previous is null)
        {
            _first = waiting.Next;
        }
        else
        {
            waiting.Previous.Next = waiting.Next;
        }

        if (waiting.Next is null)
        {
            _last = waiting.Previous;
        }
        else
        {
            waiting.Next.Previous = waiting.Previous;
        }

        waiting.Previous = waiting.Next = null;
        waiting.Phase = ServerChannelPhase.Claimed;
        return true;
    }
}
