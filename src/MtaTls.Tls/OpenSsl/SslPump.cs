using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using MtaTls.Tls.Handshakes;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// Moves bytes between an SSL and the transport's pipes. Every SSL_* call of a connection runs under the connection's lock. Calls that can run
/// other code (advancing or flushing a pipe) never do.
/// </summary>
internal sealed class SslPump : IDisposable
{
    /// <summary>The most steps for messages after the handshake (tickets, key updates) that a peer can cause without sending application data. One message takes about two steps.</summary>
    private const int MaxStepsWithoutData = 128;

    // OpenSSL's callbacks run inside the calls of this class, on the same thread. So no handle to managed memory is stored in native memory.
    [ThreadStatic]
    private static SslPump? s_current;

    private readonly Lock _gate = new();
    private readonly SslHandle _ssl;
    private readonly PipeInput _input;
    private readonly PipeOutput _output;
    private readonly SslFailures _failures = new();

    private ArrayBufferWriter<byte>? _blocked;
    private TaskCompletionSource? _unblocked;

    private Exception? _failure;
    private int _stepsWithoutData;
    private bool _reading;
    private bool _answered;
    private bool _handshakeDone;
    private bool _peerClosed;
    private bool _closeSent;
    private bool _disposed;

    public SslPump(SslHandle ssl, SslRole role, IDuplexPipe transport, ReadOnlyMemory<byte> received = default)
    {
        _ssl = ssl;
        Role = role;
        _input = new PipeInput(transport.Input, _gate, received);
        _output = new PipeOutput(transport.Output, _gate);
        nint bio = PipeBio.Create();
        LibSsl.SSL_set_bio(ssl.DangerousGetHandle(), bio, bio);
    }

    /// <summary>The connection whose SSL call runs on this thread.</summary>
    public static SslPump? Current => s_current;

    /// <summary>Answers the callbacks of the handshake, as a server or as a client.</summary>
    public SslRole Role { get; }

    /// <summary>Runs the handshake to its end.</summary>
    public async ValueTask HandshakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            bool done;
            SequencePosition? used;
            try
            {
                (done, used) = Role.MayWait ? await DedicatedThread.RunAsync(HandshakeStep, cancellationToken).ConfigureAwait(false) : HandshakeStep();
            }
            catch (Exception)
            {
                // OpenSSL has written an alert with the reason. It must still be sent to the peer.
                await FlushAlertAsync(cancellationToken).ConfigureAwait(false);
                throw;
            }

            _input.Release(used);
            await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (done)
            {
                return;
            }

            await _input.ReceiveAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Calls functions on the SSL under the lock, outside of a read or a write.</summary>
    public void Call(Action<nint> action)
    {
        using Scope scope = Enter();
        ThrowIfEnded();
        action(_ssl.DangerousGetHandle());
    }

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return TryRead(buffer.Span, out int count) ? new ValueTask<int>(count) : ReadSlowAsync(buffer, cancellationToken);
        }
        catch (Exception e)
        {
            return ValueTask.FromException<int>(e);
        }
    }

    public void Write(ReadOnlySpan<byte> data)
    {
        using Scope scope = Enter();
        WriteLocked(data);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ThrowIfEnded();
            if (_blocked is not null)
            {
                return FlushBlockedAsync(cancellationToken);
            }
        }

        return _output.FlushAsync(cancellationToken);
    }

    /// <summary>Sends close_notify once, after all written data.</summary>
    public async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        await WaitUntilUnblockedAsync(cancellationToken).ConfigureAwait(false);
        SendClose();
        try
        {
            await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException) when (_peerClosed)
        {
            // The peer has ended the session in order. It may close the connection before it gets the answer.
        }
    }

    /// <summary>See <see cref="SslRole.ForbidResumption"/>.</summary>
    public void ForbidResumption()
    {
        using Scope scope = Enter();
        Role.ForbidResumption();
    }

    /// <summary>Fails all pending and later operations.</summary>
    public void Abort(Exception? reason)
    {
        lock (_gate)
        {
            _failure ??= new IOException("The TLS session was aborted.", reason);
            _input.Close();
            _unblocked?.TrySetResult();
        }

        _input.CancelPendingRead();
        _output.CancelPendingFlush();
    }

    public void Dispose()
    {
        using (Enter())
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _input.Close();
            _unblocked?.TrySetResult();

            // Without close_notify, OpenSSL removes the session from the cache here, with the RemoveSession callback.
            _ssl.Dispose();
        }

        _input.CancelPendingRead();
        _output.CancelPendingFlush();
    }

    /// <summary>Reads for the BIO. Returns -1 when no bytes have arrived yet, and 0 at the end of the transport.</summary>
    public int ReadEncrypted(Span<byte> buffer)
    {
        if (_stepsWithoutData > MaxStepsWithoutData)
        {
            throw new IOException("The peer sent too many TLS messages (tickets, key updates) without data between them.");
        }

        return _input.Take(buffer);
    }

    /// <summary>Writes for the BIO.</summary>
    public void WriteEncrypted(ReadOnlySpan<byte> data)
    {
        _output.Write(data, answer: _reading);
        _answered |= _reading;
    }

    /// <summary>Remembers the exception of a callback, which must not pass through native frames.</summary>
    public void CallbackFailed(Exception e) => _failures.CallbackFailed(e);

    /// <summary>OpenSSL's info callback: alerts and the steps of its state machine.</summary>
    public void OnInfo(int where, int value)
    {
        if ((where & LibSsl.InfoAlert) != 0)
        {
            _failures.Alert(value, sent: (where & LibSsl.InfoWrite) != 0);
        }

        if (_handshakeDone && (where & (LibSsl.InfoLoop | LibSsl.InfoAlert)) != 0)
        {
            _stepsWithoutData++;
        }
    }

    private (bool Done, SequencePosition? Used) HandshakeStep()
    {
        using Scope scope = Enter();
        ThrowIfEnded();
        LibSsl.ERR_clear_error();
        nint ssl = _ssl.DangerousGetHandle();
        int result = LibSsl.SSL_do_handshake(ssl);
        SequencePosition? used = _input.TakeUsed();
        if (result == 1)
        {
            _handshakeDone = true;
            return (true, used);
        }

        int error = LibSsl.SSL_get_error(ssl, result);
        return error is LibSsl.ErrorWantRead or LibSsl.ErrorWantWrite ? (false, used) : throw (_failure = _failures.OfHandshake(Role.Refusal, _input.HasEnded));
    }

    /// <summary>Reads bytes that have arrived already. Returns false when more must arrive first.</summary>
    private bool TryRead(Span<byte> buffer, out int count)
    {
        while (true)
        {
            ReadOutcome outcome = ReadLocked(buffer, out count, out SequencePosition? used, out bool answered);
            _input.Release(used);
            if (answered)
            {
                _output.FlushInBackground();
            }

            switch (outcome)
            {
                case ReadOutcome.Data or ReadOutcome.Closed:
                    return true;
                case ReadOutcome.Failed:
                    ThrowIfEnded();
                    break;
            }

            if (!_input.TryReceive())
            {
                return false;
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadSlowAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count;
        do
        {
            await _input.ReceiveAsync(cancellationToken).ConfigureAwait(false);
        }
        while (!TryRead(buffer.Span, out count));

        return count;
    }

    private unsafe ReadOutcome ReadLocked(Span<byte> buffer, out int count, out SequencePosition? used, out bool answered)
    {
        using Scope scope = Enter();
        count = 0;
        used = null;
        answered = false;
        if (_disposed || _failure is not null)
        {
            return ReadOutcome.Failed;
        }

        if (_peerClosed)
        {
            return ReadOutcome.Closed;
        }

        nint ssl = _ssl.DangerousGetHandle();
        _reading = true;
        fixed (byte* start = buffer)
        {
            // The buffer can have room for several records. When no input is left, another call would return nothing.
            do
            {
                LibSsl.ERR_clear_error();
                nuint read = 0;
                if (LibSsl.SSL_read_ex(ssl, start + count, (nuint)(buffer.Length - count), &read) != 1)
                {
                    ReadStopped(ssl);
                    break;
                }

                count += (int)read;
                _stepsWithoutData = 0;
            }
            while (count < buffer.Length && !_input.IsEmpty);
        }

        RetryBlocked();
        used = _input.TakeUsed();
        _reading = false;
        answered = _answered;
        _answered = false;
        return count > 0 ? ReadOutcome.Data
            : _peerClosed ? ReadOutcome.Closed
            : _failure is not null ? ReadOutcome.Failed
            : ReadOutcome.NeedsInput;
    }

    private void ReadStopped(nint ssl)
    {
        switch (LibSsl.SSL_get_error(ssl, 0))
        {
            case LibSsl.ErrorWantRead or LibSsl.ErrorWantWrite:
                break;
            case LibSsl.ErrorZeroReturn:
                _peerClosed = true;
                if (Role.AnswersClose && !_closeSent)
                {
                    _closeSent = true;
                    _ = LibSsl.SSL_shutdown(ssl);
                }

                break;
            default:
                _failure = DescribeFailure();
                break;
        }
    }

    private void WriteLocked(ReadOnlySpan<byte> data)
    {
        ThrowIfEnded();
        if (_closeSent || _peerClosed)
        {
            throw new IOException("The TLS session has ended: no more data can be sent.");
        }

        if (data.IsEmpty)
        {
            return;
        }

        if (_blocked is null && Encrypt(data))
        {
            return;
        }

        // OpenSSL cannot send while only a part of a post-handshake message has arrived. So the data waits for the rest.
        _blocked ??= new ArrayBufferWriter<byte>(data.Length);
        _unblocked ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _blocked.Write(data);
    }

    private unsafe bool Encrypt(ReadOnlySpan<byte> data)
    {
        LibSsl.ERR_clear_error();
        nint ssl = _ssl.DangerousGetHandle();
        fixed (byte* start = data)
        {
            nuint written = 0;
            if (LibSsl.SSL_write_ex(ssl, start, (nuint)data.Length, &written) == 1)
            {
                return true;
            }
        }

        return LibSsl.SSL_get_error(ssl, 0) == LibSsl.ErrorWantRead ? false : throw (_failure = DescribeFailure());
    }

    private void RetryBlocked()
    {
        if (_blocked is null)
        {
            return;
        }

        _reading = false;
        bool done = _failure is not null || _peerClosed || _closeSent;
        try
        {
            done = done || Encrypt(_blocked.WrittenSpan);
        }
        catch (IOException)
        {
            // The waiting writer and the next read get this failure.
            done = true;
        }

        if (done)
        {
            _blocked = null;
            _unblocked?.TrySetResult();
            _unblocked = null;
        }
    }

    private async ValueTask WaitUntilUnblockedAsync(CancellationToken cancellationToken)
    {
        Task? blocked;
        lock (_gate)
        {
            ThrowIfEnded();
            blocked = _unblocked?.Task;
        }

        if (blocked is not null)
        {
            await blocked.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask FlushBlockedAsync(CancellationToken cancellationToken)
    {
        await WaitUntilUnblockedAsync(cancellationToken).ConfigureAwait(false);
        await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private void SendClose()
    {
        using Scope scope = Enter();
        ThrowIfEnded();
        if (!_closeSent)
        {
            _closeSent = true;
            LibSsl.ERR_clear_error();
            _ = LibSsl.SSL_shutdown(_ssl.DangerousGetHandle());
        }
    }

    private async ValueTask FlushAlertAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The caller gets the failure of the handshake, not this one.
        }
    }

    private IOException DescribeFailure() => _failures.OfSession(_input.HasEnded && _input.IsEmpty);

    private void ThrowIfEnded()
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(TlsConnection));
        if (_failure is { } failure)
        {
            throw new IOException(failure.Message, failure.InnerException ?? failure);
        }
    }

    private Scope Enter() => new(this);

    private enum ReadOutcome
    {
        NeedsInput,
        Data,
        Closed,
        Failed,
    }

    /// <summary>Holds the lock and sets the pump for the callbacks on this thread. It restores the previous pump, because a callback can use another connection.</summary>
    private readonly ref struct Scope
    {
        private readonly SslPump? _previous;
        private readonly SslPump _pump;

        public Scope(SslPump pump)
        {
            _pump = pump;
            pump._gate.Enter();
            _previous = s_current;
            s_current = pump;
        }

        public void Dispose()
        {
            s_current = _previous;
            _pump._gate.Exit();
        }
    }
}
