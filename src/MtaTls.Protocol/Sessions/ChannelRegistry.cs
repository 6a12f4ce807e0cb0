namespace MtaTls.Protocol;

/// <summary>The state that a session's lock guards: the channels and opens, their number, and the session's state.</summary>
internal sealed class ChannelRegistry(MtaTlsRole role, MtaTlsSessionLimits limits)
{
    private TaskCompletionSource? _drained;

    /// <summary>
    /// The session's lock. While it is held, the locks of the send queue, <see cref="SessionLiveness"/> and the budgets may be taken. It is never held together with a channel's lock.
    /// </summary>
    public Lock Gate { get; } = new();

    /// <summary>The channels and opens by their ids. <see cref="Gate"/> guards it, and all members below.</summary>
    public ChannelTable Table { get; } = new(role, limits.RememberedChannelIds);

    /// <summary>The number of channels that count against <see cref="MtaTlsSessionLimits.MaxChannelsPerSession"/>.</summary>
    public int Channels { get; private set; }

    public SessionState State { get; private set; }

    public bool IsFull => Total >= limits.MaxChannelsPerSession;

    /// <summary>Whether any channel is open, or waits for an answer to its open, by either end.</summary>
    public bool HasChannels => Total > 0;

    private int Total => Channels + Table.PeerOpens + Table.OwnOpenCount;

    public void Advance(SessionEvent what) => State = SessionTransitions.Next(State, what);

    public void Add(MtaTlsChannel channel)
    {
        Table.Add(channel);
        Channels++;
    }

    /// <summary>A channel no longer counts against the limit.</summary>
    public void Release()
    {
        Channels--;
        CheckDrained();
    }

    /// <summary>Returns a task that ends when <see cref="HasChannels"/> is false or the session has ended.</summary>
    public Task WaitForDrain()
    {
        _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        CheckDrained();
        return _drained.Task;
    }

    /// <summary>Ends the task of <see cref="WaitForDrain"/> if its condition is met. Called when an open ended without a channel, and when the session ended.</summary>
    public void CheckDrained()
    {
        if (_drained is not null && (State == SessionState.Ended || !HasChannels))
        {
            _drained.TrySetResult();
        }
    }
}
