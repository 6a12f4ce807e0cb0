using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace MtaTls.Benchmarks.Http;

/// <summary>One exchange at a time on a shared <see cref="Http2Connection"/>, each on a new stream; allocates nothing per request.</summary>
internal sealed class Http2Requester : IRequester, IValueTaskSource<long>
{
    private readonly Http2Connection _connection;
    private ManualResetValueTaskSourceCore<long> _completion = new() { RunContinuationsAsynchronously = true };
    private Action<int>? _onBytes;
    private long _received;
    private int _completed = 1;

    public Http2Requester(Http2Connection connection)
    {
        _connection = connection;
        connection.Requesters++;
    }

    public long FirstByteAt { get; private set; }

    // The next three are guarded by the connection's lock.
    internal int StreamId { get; set; }

    internal long SendWindow { get; set; }

    internal long Unacknowledged { get; set; }

    public ValueTask<long> GetAsync(EncodedRequest request, Memory<byte> buffer, Action<int>? onBytes, CancellationToken ct)
    {
        Reset(onBytes);
        _connection.StartRequest(this, request.Http2Fields, endStream: true);
        return new(this, _completion.Version);
    }

    public async ValueTask PostAsync(EncodedRequest request, long length, ReadOnlyMemory<byte> buffer, CancellationToken ct)
    {
        Reset(null);
        _connection.StartRequest(this, request.Http2Fields, endStream: length == 0);
        await _connection.SendBodyAsync(this, length, buffer, ct);
        await new ValueTask<long>(this, _completion.Version);
    }

    public ValueTask DisposeAsync()
    {
        _connection.Requesters--;
        return ValueTask.CompletedTask;
    }

    internal void Received(int dataLength, bool end)
    {
        if (FirstByteAt == 0)
        {
            FirstByteAt = Stopwatch.GetTimestamp();
        }

        _received += dataLength;
        if (dataLength > 0)
        {
            _onBytes?.Invoke(dataLength);
        }

        if (end && Interlocked.Exchange(ref _completed, 1) == 0)
        {
            _completion.SetResult(_received);
        }
    }

    internal void Complete(Exception exception)
    {
        if (Interlocked.Exchange(ref _completed, 1) == 0)
        {
            _completion.SetException(exception);
        }
    }

    long IValueTaskSource<long>.GetResult(short token) => _completion.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<long>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<long>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);

    private void Reset(Action<int>? onBytes)
    {
        _completion.Reset();
        _onBytes = onBytes;
        _received = 0;
        FirstByteAt = 0;
        Unacknowledged = 0;
        Volatile.Write(ref _completed, 0);
    }
}
