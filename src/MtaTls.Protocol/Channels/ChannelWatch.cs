namespace MtaTls.Protocol;

/// <summary>Since when a channel waits for its peer: for window, or for the end of its close. Guarded by the channel's lock; <see cref="ChannelProgress"/> looks at it.</summary>
internal struct ChannelWatch
{
    /// <summary>When the close has last gone on.</summary>
    public long CloseProgress;

    private LinkedListNode<MtaTlsChannel>? _node;

    /// <summary>Since when data wait for window; 0: none do.</summary>
    public long StalledSince { get; private set; }

    /// <summary>Whether data wait for window.</summary>
    public readonly bool IsStalled => StalledSince != 0;

    public void BeginStall(long now) => StalledSince = now == 0 ? 1 : now;

    public void EndStall() => StalledSince = 0;

    /// <summary>Asks the session's clock to look at the channel from time to time.</summary>
    public void Start(MtaTlsChannel channel) => _node ??= channel.Session.Clock.Watch(channel);

    public void Stop(MtaTlsChannel channel)
    {
        if (_node is null)
        {
            return;
        }

        channel.Session.Clock.Unwatch(_node);
        _node = null;
    }
}
