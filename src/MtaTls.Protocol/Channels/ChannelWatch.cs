namespace MtaTls.Protocol;

/// <summary>Since when a channel waits for its peer: for window, or for the end of its close. Guarded by the channel's lock; <see cref="ChannelProgress"/> looks at it.</summary>
internal struct ChannelWatch
{
    /// <summary>Whether data wait for window.</summary>
    public bool IsStalled;

    /// <summary>Since when they do.</summary>
    public long StalledSince;

    /// <summary>When the close has last gone on.</summary>
    public long CloseProgress;

    private LinkedListNode<MtaTlsChannel>? _node;

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
