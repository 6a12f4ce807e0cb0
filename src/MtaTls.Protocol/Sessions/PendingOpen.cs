using System.Threading.Tasks.Sources;

namespace MtaTls.Protocol;

/// <summary>An open of this end that waits for its answer. When its caller cancels it, it stays pending until it is answered.</summary>
/// <remarks>
/// The caller continues from the thread pool's global queue, as a channel's reader does (<see cref="ChannelInput"/>). So when several answers came together, the data that their callers then write shares a TLS record.
/// </remarks>
internal sealed class PendingOpen(ChannelAddress source, ChannelAddress destination, int firstWindow) : IValueTaskSource<MtaTlsChannel>, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<MtaTlsChannel> _caller;
    private CancellationTokenRegistration _cancellation;
    private MtaTlsChannel? _channel;
    private Exception? _failure;
    private int _decided;

    public ChannelAddress Source => source;

    public ChannelAddress Destination => destination;

    /// <summary>The window that was offered to the peer. It is reserved in the budgets.</summary>
    public int FirstWindow => firstWindow;

    public ushort SenderChannelId { get; set; }

    public bool SharesHalf { get; set; }

    /// <summary>The timestamp at which it was queued.</summary>
    public long Begun { get; init; }

    /// <summary>Whether it is a signal. Then any answer counts, also a refusal.</summary>
    public bool IsSignal { get; init; }

    /// <summary>The time from a signal to its answer.</summary>
    public TimeSpan RoundTrip { get; set; }

    /// <summary>Whether its caller has got a result.</summary>
    public bool IsDecided => Volatile.Read(ref _decided) != 0;

    /// <summary>Waits for the channel. Only the caller of the open may call this, once.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<MtaTlsChannel> WaitAsync(CancellationToken cancellationToken)
    {
        _cancellation = cancellationToken.UnsafeRegister(static (open, token) => ((PendingOpen)open!).TrySetException(new OperationCanceledException(token)), this);
        return new(this, _caller.Version);
    }

    /// <summary>Gives the channel to the caller, unless the caller has got another result already.</summary>
    /// <returns>Whether the caller gets it.</returns>
    public bool TrySetResult(MtaTlsChannel? channel) => TryDecide(channel, null);

    /// <inheritdoc cref="TrySetResult"/>
    public bool TrySetException(Exception failure) => TryDecide(null, failure);

    private bool TryDecide(MtaTlsChannel? channel, Exception? failure)
    {
        if (Interlocked.Exchange(ref _decided, 1) != 0)
        {
            return false;
        }

        (_channel, _failure) = (channel, failure);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    void IThreadPoolWorkItem.Execute()
    {
        if (_failure is { } failure)
        {
            _caller.SetException(failure);
        }
        else
        {
            _caller.SetResult(_channel!);
        }
    }

    MtaTlsChannel IValueTaskSource<MtaTlsChannel>.GetResult(short token)
    {
        _cancellation.Unregister();
        return _caller.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<MtaTlsChannel>.GetStatus(short token) => _caller.GetStatus(token);

    void IValueTaskSource<MtaTlsChannel>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _caller.OnCompleted(continuation, state, token, flags);
}
