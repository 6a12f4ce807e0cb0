using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// The sending side of the transport. The records of the writer, and those that reading produces (answers to KeyUpdate, alerts), go to one PipeWriter,
/// which must not be used while a flush is pending. Records that come during a flush are kept and follow after it.
/// </summary>
/// <param name="writer">The transport's writer.</param>
/// <param name="gate">The connection's lock. No flush is started while it is held, because a pipe can run continuations inline.</param>
internal sealed class PipeOutput(PipeWriter writer, Lock gate)
{
    /// <summary>The most bytes of answers that are kept for a peer that does not read. 64 KiB are the answers to more than 2,000 KeyUpdates.</summary>
    private const int MaxLateAnswers = 64 * 1024;

    private ArrayBufferWriter<byte>? _late;
    private TaskCompletionSource? _idle;
    private bool _flushing;

    /// <summary>Adds encrypted bytes. The caller holds the lock.</summary>
    /// <param name="data">The bytes.</param>
    /// <param name="answer">Whether reading has produced them. Backpressure does not limit those.</param>
    /// <exception cref="IOException">The peer causes answers and does not read them.</exception>
    public void Write(ReadOnlySpan<byte> data, bool answer)
    {
        if (!_flushing)
        {
            writer.Write(data);
            return;
        }

        _late ??= new ArrayBufferWriter<byte>(1024);
        if (answer && _late.WrittenCount + data.Length > MaxLateAnswers)
        {
            throw new IOException("The peer sends TLS messages that need an answer, and does not read the answers.");
        }

        _late.Write(data);
    }

    /// <summary>Flushes all written bytes, and waits for the transport's backpressure.</summary>
    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        Task busy;
        lock (gate)
        {
            if (!_flushing)
            {
                Begin();
                busy = Task.CompletedTask;
            }
            else
            {
                _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                busy = _idle.Task;
            }
        }

        return busy.IsCompleted ? Run(cancellationToken) : FlushAfterAsync(busy, cancellationToken);
    }

    /// <summary>Flushes the bytes that reading produced, without making the reader wait for the transport.</summary>
    public void FlushInBackground()
    {
        lock (gate)
        {
            if (_flushing)
            {
                return;
            }

            Begin();
        }

        ValueTask flush = Run(CancellationToken.None);
        if (!flush.IsCompletedSuccessfully)
        {
            _ = Observe(flush);
        }

        // When the transport fails, the reader and the writer get the failure. This flush has no caller that could.
        static async Task Observe(ValueTask flush) => await flush.AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends a pending flush.</summary>
    public void CancelPendingFlush()
    {
        try
        {
            writer.CancelPendingFlush();
        }
        catch (ObjectDisposedException)
        {
            // The connection has ended and the pipe was completed: no flush is pending.
        }
    }

    private async ValueTask FlushAfterAsync(Task busy, CancellationToken cancellationToken)
    {
        await busy.WaitAsync(cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private ValueTask Run(CancellationToken cancellationToken)
    {
        ValueTask<FlushResult> flush;
        try
        {
            flush = writer.FlushAsync(cancellationToken);
        }
        catch (Exception e)
        {
            End();
            return ValueTask.FromException(TransportFailure.Of(e, cancellationToken));
        }

        if (!flush.IsCompletedSuccessfully)
        {
            return FinishAsync(flush, cancellationToken);
        }

#pragma warning disable VSTHRD103 // It has ended.
        FlushResult result = flush.Result;
#pragma warning restore VSTHRD103
        if (End())
        {
            FlushInBackground();
        }

        return result.IsCompleted || result.IsCanceled ? ValueTask.FromException(Ended(result)) : ValueTask.CompletedTask;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FinishAsync(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        try
        {
            FlushResult result = await flush.ConfigureAwait(false);
            if (result.IsCompleted || result.IsCanceled)
            {
                throw Ended(result);
            }
        }
        catch (Exception e) when (e is not IOException)
        {
            throw TransportFailure.Of(e, cancellationToken);
        }
        finally
        {
            if (End())
            {
                FlushInBackground();
            }
        }
    }

    private static IOException Ended(FlushResult result)
        => new(result.IsCanceled ? "The TLS session was aborted." : "The transport was closed while TLS was sending.");

    // The caller holds the lock.
    private void Begin()
    {
        _flushing = true;
        if (_late is { WrittenCount: > 0 } late)
        {
            writer.Write(late.WrittenSpan);
            _late = null;
        }
    }

    /// <summary>Ends the flush. Returns whether bytes were written meanwhile.</summary>
    private bool End()
    {
        TaskCompletionSource? idle;
        bool more;
        lock (gate)
        {
            _flushing = false;
            more = _late is { WrittenCount: > 0 };
            idle = _idle;
            _idle = null;
        }

        idle?.SetResult();
        return more;
    }
}
