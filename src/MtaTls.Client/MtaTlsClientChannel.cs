using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>
/// A channel that a client has opened. It is a stream, and also a pair of pipes for the same bytes; use one of the two for each direction. One reader and one writer may use it at a time.
/// Disposing it sends written data and closes the channel. The session and its other channels continue.
/// The garbage collector closes a channel that is no longer referenced.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "The draft calls it a channel.")]
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

    /// <summary>Closes a channel that is no longer referenced, just as the finalizer of a socket closes its connection.</summary>
    ~MtaTlsClientChannel() => ThreadPool.UnsafeQueueUserWorkItem(static channel => _ = channel.CloseAsync(CancellationToken.None).AsTask(), this, preferLocal: false);

    /// <summary>The host and port to which the channel was opened.</summary>
    public ChannelAddress Destination { get; }

    /// <summary>Whether this is a channel of a session. If false, the server does not speak MTA-TLS, and this is an ordinary TLS connection to it.</summary>
    public bool IsMultiplexed => _backing.Id is not null;

    /// <summary>The channel's id in its session; null for an ordinary TLS connection.</summary>
    public ChannelId? Id => _backing.Id;

    /// <summary>The application protocol that ALPN selected for the session; empty if there is none.</summary>
    public ReadOnlyMemory<byte> ApplicationProtocol => _backing.ApplicationProtocol;

    /// <summary>Bytes of data received on the channel.</summary>
    public long BytesReceived => _backing.BytesReceived;

    /// <summary>Bytes of data sent on the channel.</summary>
    public long BytesSent => _backing.BytesSent;

    /// <summary>
    /// Whether the first write after the end of the channel succeeds, as on a TCP connection after the server's FIN. HttpClient then notices the end when it reads the
    /// response, and retries the request, which the server has not executed.
    /// </summary>
    internal bool ToleratesLateWrite { get; set; }

    /// <summary>The data from the server. It completes when the server closes the channel, and reads fail with an <see cref="IOException"/> when the session fails.</summary>
    public PipeReader Input => field ??= new ChannelPipeReader(_backing.Input, this);

    /// <summary>The data to the server. A flush waits while more than <see cref="MtaTlsSessionLimits.OutputBufferSize"/> is unsent.</summary>
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

    /// <summary>Closes the channel at once. Unsent data is discarded, and reads fail.</summary>
    /// <param name="reason">The failure of the application, which forbids resumption of the TLS session (draft, section 3); null if nothing failed.</param>
    public void Abort(Exception? reason = null)
    {
        _backing.Abort(reason);
        Dispose();
    }

    /// <summary>Reads received data, and waits until there is some. With an empty buffer it only waits.</summary>
    /// <param name="buffer">The buffer for the data.</param>
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

    /// <summary>Writes and sends data. It waits while more than <see cref="MtaTlsSessionLimits.OutputBufferSize"/> is unsent.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="cancellationToken">Ends the wait; the written data is still sent.</param>
    /// <exception cref="IOException">The server closed the channel, or the session failed.</exception>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        ValueTask<FlushResult> write = _backing.Output.WriteAsync(buffer, cancellationToken);
        if (!write.IsCompletedSuccessfully)
        {
            return Wait(write);
        }

#pragma warning disable VSTHRD103 // The write has completed.
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

    /// <summary>Does nothing, because every write sends its data.</summary>
    public override void Flush() { }

    /// <summary>Does nothing, because every write sends its data.</summary>
    /// <param name="cancellationToken">Not used.</param>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Copies all data from the server, directly from the channel's buffers.</summary>
    /// <param name="destination">The stream to copy to.</param>
    /// <param name="bufferSize">Not used, because there is no intermediate buffer.</param>
    /// <param name="cancellationToken">Stops copying.</param>
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

    /// <summary>Sends written data, then closes the channel.</summary>
    public override async ValueTask DisposeAsync()
    {
        await CloseAsync(CancellationToken.None).ConfigureAwait(false);
        GC.SuppressFinalize(this);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Sends written data, then closes the channel.</summary>
    /// <param name="cancellationToken">Stops waiting and closes the channel at once. No exception is thrown.</param>
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
            // The channel has already ended, or ends now without its unsent data. It is closed in any case.
        }
        finally
        {
            _closed(_backing);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Unsent data is sent in the background, because a synchronous disposal must not wait for the network.
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
            throw new IOException("The server has closed the channel.");
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
        // Read before AdvanceTo: afterwards another channel may already use the memory and its segments.
        bool done = !arrived.IsEmpty || result.IsCompleted;
        _backing.Input.AdvanceTo(taken.End);
        return done;
    }
}
