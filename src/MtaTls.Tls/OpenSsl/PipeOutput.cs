using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// The sending half of the transport. The writer's records and those that reading produces (answers to KeyUpdate, alerts) end in one PipeWriter,
/// which no one may touch while a flush is pending: what comes then is kept aside and follows when the flush has ended.
/// </summary>
/// <param name="writer">The transport's writer.</param>
/// <param name="gate">The connection's lock. No flush is started while it is held, so a pipe that runs continuations inline can do no harm.</param>
internal sealed class PipeOutput(PipeWriter writer, Lock gate)
{
    /// <summary>What a peer that does not read can make us keep: 64 KiB of answers is over 2,000 KeyUpdates.</summary>
    private const int MaxLateAnswers = 64 * 1024;

    private ArrayBufferWriter<byte>? _late;
    private TaskCompletionSource? _idle;
    private bool _flushing;

    /// <summary>Adds encrypted bytes; the lock is held.</summary>
    /// <param name="data">The bytes.</param>
    /// <param name="answer">They come from reading, which no back-pressure limits.</param>
    /// <exception cref="IOException">The peer makes us answer and does not read the answers.</exception>
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
            throw new IOException("The peer requests TLS answers and does not read them.");
        }

        _late.Write(data);
    }

    /// <summary>Flushes all that was written, waiting for the transport's back-pressure.</summary>
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

    /// <summary>Flushes what reading produced, without making the reader wait for the transport.</summary>
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

        // A transport that fails to send fails the reader and the writer too: here there is no one to tell.
        static async Task Observe(ValueTask flush) => await flush.AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends a flush that waits.</summary>
    public void CancelPendingFlush()
    {
        try
        {
            writer.CancelPendingFlush();
        }
        catch (ObjectDisposedException)
        {
            // The pipe was completed meanwhile, as its connection has ended: nothing waits.
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

    // The lock is held.
    private void Begin()
    {
        _flushing = true;
        if (_late is { WrittenCount: > 0 } late)
        {
            writer.Write(late.WrittenSpan);
            _late = null;
        }
    }

    /// <summary>Returns whether something was written meanwhile.</summary>
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
