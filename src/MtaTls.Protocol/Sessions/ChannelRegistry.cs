namespace MtaTls.Protocol;

/// <summary>What a session's lock guards: its channels and opens, how many there are, and where the session is in its life.</summary>
internal sealed class ChannelRegistry(MtaTlsRole role, MtaTlsSessionLimits limits)
{
    private TaskCompletionSource? _drained;

    /// <summary>The session's lock. The send queue's may be taken under it; a channel's never is, and this one never under a channel's.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Channels and opens by their ids. Guarded by <see cref="Gate"/>, as everything below.</summary>
    public ChannelTable Table { get; } = new(role, limits.RememberedChannelIds);

    /// <summary>Channels that count against <see cref="MtaTlsSessionLimits.MaxChannelsPerSession"/>.</summary>
    public int Channels { get; private set; }

    public SessionState State { get; private set; }

    public bool IsFull => Total >= limits.MaxChannelsPerSession;

    /// <summary>Whether any channel is open, being opened or asked for.</summary>
    public bool HasChannels => Total > 0;

    private int Total => Channels + Table.PeerOpens + Table.OwnOpenCount;

    public void Advance(SessionEvent what) => State = SessionTransitions.Next(State, what);

    public void Add(MtaTlsChannel channel)
    {
        Table.Add(channel);
        Channels++;
    }

    /// <summary>A channel no longer counts.</summary>
    public void Release()
    {
        Channels--;
        CheckDrained();
    }

    /// <summary>Ends when no channel is open, being opened or asked for, or the session has ended.</summary>
    public Task WaitForDrain()
    {
        _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        CheckDrained();
        return _drained.Task;
    }

    /// <summary>An open has ended without a channel, or the session has.</summary>
    public void CheckDrained()
    {
        if (_drained is not null && (State == SessionState.Ended || !HasChannels))
        {
            _drained.TrySetResult();
        }
    }
}
