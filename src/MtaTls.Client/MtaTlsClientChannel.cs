using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>
/// A channel that a client has opened: a stream, and the same bytes as a pair of pipes (use one or the other for each direction). One reader and one writer may use it at a time.
/// Disposing it sends what was written and closes the channel; the session and its other channels go on.
/// A channel that is no longer referenced is closed when the garbage collector finds it.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A channel by the draft's name; that it is a stream as well is said by its base.")]
public sealed class MtaTlsClientChannel : Stream, IDuplexPipe
{
    private readonly ChannelBacking _backing;
    private readonly Action<ChannelBacking> _closed;
    private int _disposed;
    private int _lateWrites;

    internal MtaTlsClientChannel(ChannelBacking backing, ChannelAddress destination, Action<ChannelBacking> closed)
    {
        _backing = backing;
        _closed = closed;
        Destination = destination;
    }

    /// <summary>Closes a channel that is no longer referenced, as the finalizer of a socket closes its connection.</summary>
    ~MtaTlsClientChannel() => ThreadPool.UnsafeQueueUserWorkItem(static channel => _ = channel.CloseAsync(CancellationToken.None).AsTask(), this, preferLocal: false);

    /// <summary>The host and port that the channel was opened to.</summary>
    public ChannelAddress Destination { get; }

    /// <summary>Whether this is a channel of a session. False: the server does not speak MTA-TLS, and this is an ordinary TLS connection to it.</summary>
    public bool IsMultiplexed => _backing.Id is not null;

    /// <summary>The channel's id in its session; null for an ordinary TLS connection.</summary>
    public ChannelId? Id => _backing.Id;

    /// <summary>The application protocol that ALPN selected for the session; empty when there is none.</summary>
    public ReadOnlyMemory<byte> ApplicationProtocol => _backing.ApplicationProtocol;

    /// <summary>Bytes received in the channel.</summary>
    public long BytesReceived => _backing.BytesReceived;

    /// <summary>Bytes sent in the channel.</summary>
    public long BytesSent => _backing.BytesSent;

    /// <summary>
    /// Whether the first write behind the end of the channel is no failure, as it is none on a TCP connection behind the server's FIN: then HttpClient finds the end where it reads the
    /// answer, and sends a request again that was never executed.
    /// </summary>
    internal bool ToleratesLateWrite { get; set; }

    /// <summary>What the server sends. It is completed when the server closes the channel, and fails with an <see cref="IOException"/> when the session does.</summary>
    public PipeReader Input => field ??= new ChannelPipeReader(_backing.Input, this);

    /// <summary>What is sent to the server. A flush waits while too much is unsent.</summary>
    public PipeWriter Output => field ??= new ChannelPipeWriter(_backing.Output, this);

    /// <inheritdoc/>
    public override bool CanRead => _disposed == 0;

    /// <inheritdoc/>
    public override bool CanWrite => _disposed == 0;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <summary>Not supported.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Closes the channel at once: what was not sent is discarded, and reads fail.</summary>
    /// <param name="reason">The application's failure, after which the TLS session is no longer resumable (section 3); null when nothing failed.</param>
    public void Abort(Exception? reason = null)
    {
        _backing.Abort(reason);
        Dispose();
    }

    /// <summary>Reads what has arrived; waits while there is nothing. An empty buffer waits for data and reads none.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="cancellationToken">Ends the wait; the channel stays usable.</param>
    /// <returns>The number of bytes; 0 at the end of the channel.</returns>
    /// <exception cref="IOException">The session failed.</exception>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _backing.Input.TryRead(out ReadResult result) && TryTake(result, buffer, out int count) ? new ValueTask<int>(count) : WaitAndReadAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
#pragma warning disable VSTHRD002 // The synchronous half of Stream, for callers that chose to wait.
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002

    /// <summary>Writes; waits while too much is unsent.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="cancellationToken">Ends the wait; what was written stays written.</param>
    /// <exception cref="IOException">The channel was closed by the server, or the session failed.</exception>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        ValueTask<FlushResult> write = _backing.Output.WriteAsync(buffer, cancellationToken);
        if (!write.IsCompletedSuccessfully)
        {
            return Wait(write);
        }

#pragma warning disable VSTHRD103 // It has ended.
        Check(write.Result);
#pragma warning restore VSTHRD103
        return ValueTask.CompletedTask;

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
        async ValueTask Wait(ValueTask<FlushResult> write) => Check(await write.ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
#pragma warning disable VSTHRD002 // The synchronous half of Stream, for callers that chose to wait.
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002

    /// <summary>Does nothing: what is written is sent.</summary>
    public override void Flush() { }

    /// <summary>Does nothing: what is written is sent.</summary>
    /// <param name="cancellationToken">Not used.</param>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Copies all that arrives, straight from the channel's own buffers.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="bufferSize">Not used: nothing is copied in between.</param>
    /// <param name="cancellationToken">Ends the copying.</param>
    public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return Input.CopyToAsync(destination, cancellationToken);
    }

    /// <summary>Not supported.</summary>
    /// <param name="offset">Not used.</param>
    /// <param name="origin">Not used.</param>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    /// <param name="value">Not used.</param>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Sends what was written, then closes the channel.</summary>
    public override async ValueTask DisposeAsync()
    {
        await CloseAsync(CancellationToken.None).ConfigureAwait(false);
        GC.SuppressFinalize(this);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Sends what was written, then closes the channel.</summary>
    /// <param name="cancellationToken">Stops waiting: the channel is closed at once.</param>
    public async ValueTask CloseAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

#pragma warning disable CA1816 // A closed channel has nothing left to finalize.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        try
        {
            await _backing.CloseAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // It has ended already, or ends now without what was unsent: closed in any case.
        }
        finally
        {
            _closed(_backing);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // What is unsent goes out in the background: a synchronous disposal must not wait for the network.
        if (disposing)
        {
            _ = CloseAsync(CancellationToken.None).AsTask();
        }

        base.Dispose(disposing);
    }

    private void Check(FlushResult result)
    {
        if (result.IsCompleted && !(ToleratesLateWrite && Interlocked.Exchange(ref _lateWrites, 1) == 0))
        {
            throw new IOException("The channel has been closed by the server.");
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitAndReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await _backing.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (TryTake(result, buffer, out int count))
            {
                return count;
            }
        }
    }

    private bool TryTake(ReadResult result, Memory<byte> buffer, out int count)
    {
        ReadOnlySequence<byte> arrived = result.Buffer;
        count = (int)Math.Min(arrived.Length, buffer.Length);
        ReadOnlySequence<byte> taken = arrived.Slice(0, count);
        taken.CopyTo(buffer.Span);
        // Before advancing: the memory, and what says how long it is, may be another channel's the next moment.
        bool done = !arrived.IsEmpty || result.IsCompleted;
        _backing.Input.AdvanceTo(taken.End);
        return done;
    }
}
