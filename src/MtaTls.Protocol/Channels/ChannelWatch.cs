namespace MtaTls.Protocol;

/// <summary>Since when a channel has waited for its peer: for window, or for the end of its close. Guarded by the channel's lock. <see cref="ChannelProgress"/> checks it.</summary>
internal struct ChannelWatch
{
    /// <summary>The timestamp of the last progress of the close.</summary>
    public long CloseProgress;

    private LinkedListNode<MtaTlsChannel>? _node;

    /// <summary>The timestamp since when data has waited for window; 0 when no data waits.</summary>
    public long StalledSince { get; private set; }

    /// <summary>Whether data waits for window.</summary>
    public readonly bool IsStalled => StalledSince != 0;

    public void BeginStall(long now) => StalledSince = now == 0 ? 1 : now;

    public void EndStall() => StalledSince = 0;

    /// <summary>Asks the session's clock to check the channel periodically.</summary>
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
