using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.Protocol;

/// <summary>A transport over an <see cref="IDuplexPipe"/>, for connections without TLS and for tests.</summary>
/// <remarks>A pipe has no close_notify. Its completion without an exception counts as the orderly end.</remarks>
/// <param name="pipe">The pipe whose input is read and whose output is written; the transport completes both.</param>
internal sealed class PipeTransport(IDuplexPipe pipe) : IMtaTlsTransport
{
    private readonly PipeReader _input = pipe.Input;
    private readonly PipeWriter _output = pipe.Output;
    private Exception? _abortReason;
    private int _outputCompleted;

    /// <summary>Whether <see cref="ForbidResumption"/> was called.</summary>
    public bool ResumptionForbidden { get; private set; }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ThrowIfAborted();
            ReadResult result;
            try
            {
                result = await _input.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not (IOException or OperationCanceledException))
            {
                throw new IOException("The pipe below the session failed.", e);
            }
            if (result.Buffer.IsEmpty && !result.IsCompleted)
            {
                // A canceled read: ThrowIfAborted tells whether Abort canceled it.
                _input.AdvanceTo(result.Buffer.Start);
                continue;
            }
            ReadOnlySequence<byte> taken = result.Buffer.Slice(0, Math.Min(buffer.Length, result.Buffer.Length));
            taken.CopyTo(buffer.Span);
            int count = (int)taken.Length;
            _input.AdvanceTo(taken.End);
            return count;
        }
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0) => _output.GetMemory(sizeHint);

    /// <inheritdoc/>
    public void Advance(int count) => _output.Advance(count);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> packets) => _output.Write(packets);

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfAborted();
        FlushResult result = await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
        ThrowIfAborted();
        if (result.IsCompleted)
        {
            throw new IOException("The pipe below the session has no reader any more.");
        }
    }

    /// <inheritdoc/>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _outputCompleted, 1) == 0)
        {
            await _output.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Abort(Exception? reason = null)
    {
        if (Interlocked.CompareExchange(ref _abortReason, reason ?? new IOException("The transport was aborted."), null) is not null)
        {
            return;
        }

        _input.CancelPendingRead();
        _output.CancelPendingFlush();
    }

    /// <inheritdoc/>
    public void ForbidResumption() => ResumptionForbidden = true;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _outputCompleted, 1) == 0)
        {
            await _output.CompleteAsync(_abortReason).ConfigureAwait(false);
        }

        await _input.CompleteAsync(_abortReason).ConfigureAwait(false);
    }

    private void ThrowIfAborted()
    {
        if (_abortReason is { } reason)
        {
            throw new IOException("The transport was aborted.", reason);
        }
    }
}
