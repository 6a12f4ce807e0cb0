namespace MtaTls.Protocol;

/// <summary>The two callbacks of a channel: data can be read, and the channel has closed. Each is called once, on the thread pool. Guarded by the channel's lock.</summary>
internal struct ChannelCallbacks
{
    private static readonly object s_inOrder = new();

    private Action<MtaTlsChannel, object?>? _onReadable;
    private object? _onReadableState;
    private Action<MtaTlsChannel, Exception?, object?>? _onClosed;
    private object? _onClosedState;

    // Null while the channel is open. Then the exception that closed it, or s_inOrder. One field instead of two keeps channels small.
    private object? _closed;

    public void SetReadable(MtaTlsChannel channel, Action<MtaTlsChannel, object?> callback, object? state)
    {
        _onReadable = callback;
        _onReadableState = state;
        NotifyReadable(channel);
    }

    public void SetClosed(MtaTlsChannel channel, Action<MtaTlsChannel, Exception?, object?> callback, object? state)
    {
        _onClosed = callback;
        _onClosedState = state;
        if (_closed is not null)
        {
            RunOnClosed(channel);
        }
    }

    public void NotifyReadable(MtaTlsChannel channel)
    {
        if (_onReadable is not { } callback || !channel.Received.IsReadable)
        {
            return;
        }

        object? state = _onReadableState;
        (_onReadable, _onReadableState) = (null, null);
        Run(static item => item.callback(item.channel, item.state), (callback, channel, state), channel);
    }

    public void NotifyClosed(MtaTlsChannel channel, Exception? reason)
    {
        if (_closed is not null)
        {
            return;
        }

        _closed = reason ?? s_inOrder;
        RunOnClosed(channel);
    }

    private void RunOnClosed(MtaTlsChannel channel)
    {
        if (_onClosed is not { } callback)
        {
            return;
        }

        object? state = _onClosedState;
        (_onClosed, _onClosedState) = (null, null);
        Run(static item => item.callback(item.channel, item.reason, item.state), (callback, channel, reason: _closed as Exception, state), channel);
    }

    /// <summary>Runs a callback on the thread pool. An exception aborts the channel instead of ending the process.</summary>
    private static void Run<TState>(Action<TState> callback, TState state, MtaTlsChannel channel) =>
        ThreadPool.UnsafeQueueUserWorkItem(
            static item =>
            {
                try
                {
                    item.callback(item.state);
                }
                catch (Exception e)
                {
                    item.channel.Abort(e);
                }
            },
            (callback, state, channel), preferLocal: false);
}
