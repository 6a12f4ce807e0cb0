using System.Threading.Tasks.Sources;

namespace MtaTls.Protocol;

/// <summary>An own open that waits for its answer. One that its caller cancelled stays pending until it is answered.</summary>
/// <remarks>
/// The caller goes on from the thread pool's global queue, as a channel's reader does (<see cref="ChannelInput"/>): what the callers whose answers came together then write shares its record.
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

    /// <summary>The window that was offered to the peer and is reserved.</summary>
    public int FirstWindow => firstWindow;

    public ushort SenderChannelId { get; set; }

    public bool SharesHalf { get; set; }

    /// <summary>When it was sent.</summary>
    public long Begun { get; init; }

    /// <summary>Whether it is a signal: its answer alone counts, whatever it is.</summary>
    public bool IsSignal { get; init; }

    /// <summary>The time from a signal to its answer.</summary>
    public TimeSpan RoundTrip { get; set; }

    /// <summary>Whether its caller has been told something.</summary>
    public bool IsDecided => Volatile.Read(ref _decided) != 0;

    /// <summary>The channel, for its caller alone: to be awaited once.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<MtaTlsChannel> WaitAsync(CancellationToken cancellationToken)
    {
        _cancellation = cancellationToken.UnsafeRegister(static (open, token) => ((PendingOpen)open!).TrySetException(new OperationCanceledException(token)), this);
        return new(this, _caller.Version);
    }

    /// <summary>Gives the channel to the caller, unless the caller has got another result already.</summary>
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
