using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;

namespace MtaTls.Client.Sessions;

/// <summary>Creates connections. All waiting callers share one attempt at a time, and there is none during the endpoint's back-off.</summary>
internal sealed class SessionConnector
{
    private readonly Lock _gate = new();
    private readonly ClientSettings _settings;
    private readonly IDialer _dialer;
    private readonly ClientCounters _counters;
    private readonly Func<bool> _mayConnect;
    private readonly Action<DialedConnection> _connected;
    private readonly CancellationToken _stopping;
    private readonly Backoff _backoff;
    private TaskCompletionSource _backoffEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _attempt;

    /// <param name="settings">The options.</param>
    /// <param name="dialer">Creates the connections.</param>
    /// <param name="counters">The counts of the client.</param>
    /// <param name="random">Returns the jitter of back-offs, from 0 to below 1.</param>
    /// <param name="mayConnect">Returns whether another session is allowed.</param>
    /// <param name="connected">Called with the connection of a shared attempt.</param>
    /// <param name="stopping">Cancelled when the client is disposed.</param>
    public SessionConnector(ClientSettings settings, IDialer dialer, ClientCounters counters, Func<double> random, Func<bool> mayConnect, Action<DialedConnection> connected, CancellationToken stopping)
    {
        _settings = settings;
        _dialer = dialer;
        _counters = counters;
        _mayConnect = mayConnect;
        _connected = connected;
        _stopping = stopping;
        _backoff = new Backoff(settings.Reconnect, settings.TimeProvider, random);
    }

    /// <summary>The rest of the back-off.</summary>
    public TimeSpan Remaining
    {
        get
        {
            lock (_gate)
            {
                return _backoff.Remaining;
            }
        }
    }

    /// <summary>Whether channels wait for the endpoint, because it was reached before (<see cref="MtaTlsReconnectOptions.WaitTimeout"/>).</summary>
    public bool IsWaitedFor
    {
        get
        {
            lock (_gate)
            {
                return _backoff.IsWaitedFor;
            }
        }
    }

    /// <summary>Completes when the back-off is ended early.</summary>
    public Task BackoffEnded
    {
        get
        {
            lock (_gate)
            {
                return _backoffEnded.Task;
            }
        }
    }

    /// <summary>Returns what a channel without room must wait for: an attempt, or a pause, or the end of other channels if both are null.</summary>
    /// <exception cref="Exception">The back-off has not elapsed, and channels do not wait for the endpoint. The exception has the type of the last failure.</exception>
    public (Task? Attempt, TimeSpan? Pause) Next()
    {
        lock (_gate)
        {
            if (_attempt is not null)
            {
                return (_attempt, null);
            }

            // An attempt adds its session before it ends, so there are never too many sessions.
            if (!_mayConnect())
            {
                return (null, null);
            }

            return _backoff.Pause is { Ticks: > 0 } pause ? (null, pause) : (Connect(), null);
        }
    }

    /// <summary>Returns the present attempt to connect, or starts one.</summary>
    /// <exception cref="Exception">The back-off has not elapsed. The exception is that of <see cref="ThrowIfBackingOff"/>.</exception>
    public Task Connect()
    {
        lock (_gate)
        {
            if (_attempt is not null)
            {
                return _attempt;
            }

            ThrowIfBackingOff();
            // Continuations run asynchronously, so that a caller that blocks its thread does not delay others.
            var attempt = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _attempt = attempt.Task;
            // Observes the exception, because all waiting callers may have given up.
            _ = attempt.Task.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            _ = ConnectSharedAsync(attempt);
            return attempt.Task;
        }
    }

    /// <summary>Returns the present attempt to connect, or starts one if it is still needed.</summary>
    /// <param name="isNeeded">Called if there is no attempt at present. The result of the last attempt, a session or a plain connection, is already known then.</param>
    /// <exception cref="Exception">The back-off has not elapsed. The exception is that of <see cref="ThrowIfBackingOff"/>.</exception>
    public Task ConnectIf(Func<bool> isNeeded)
    {
        lock (_gate)
        {
            return _attempt is not null || isNeeded() ? Connect() : Task.CompletedTask;
        }
    }

    /// <summary>Starts an attempt if it is allowed.</summary>
    public void TryConnect() => TryConnectIf(static () => true);

    /// <summary>Starts an attempt if it is allowed and needed.</summary>
    /// <param name="isNeeded">Called if there is no attempt at present.</param>
    public void TryConnectIf(Func<bool> isNeeded)
    {
        lock (_gate)
        {
            if (_attempt is null && isNeeded() && _backoff.Remaining == TimeSpan.Zero && !_stopping.IsCancellationRequested && _mayConnect())
            {
                _ = Connect();
            }
        }
    }

    /// <summary>The present attempt, for which disposal waits; null if there is none.</summary>
    public Task? Attempt
    {
        get
        {
            lock (_gate)
            {
                return _attempt;
            }
        }
    }

    /// <summary>Creates a connection for one caller.</summary>
    public async ValueTask<DialedConnection> ConnectOneAsync(CancellationToken cancellationToken)
    {
        try
        {
            DialedConnection connection = await _dialer.ConnectAsync(cancellationToken).ConfigureAwait(false);
            _counters.Handshake();
            return connection;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _counters.ConnectFailed();
            Failed(e);
            throw;
        }
    }

    /// <summary>Begins or doubles the back-off, because an attempt has failed or a session has ended before any channel.</summary>
    public void Failed(Exception reason)
    {
        lock (_gate)
        {
            _backoff.Failed(reason);
        }
    }

    /// <summary>Resets the back-off, because a channel was opened.</summary>
    public void Succeeded()
    {
        lock (_gate)
        {
            _backoff.Succeeded();
        }
    }

    /// <summary>Ends the back-off, because the network has changed and an attempt may succeed now.</summary>
    public void EndBackoff()
    {
        TaskCompletionSource ended;
        lock (_gate)
        {
            _backoff.EndNow();
            ended = _backoffEnded;
            _backoffEnded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        ended.SetResult();
    }

    /// <summary>Throws if the back-off has not elapsed.</summary>
    /// <exception cref="AuthenticationException">The last handshake failed.</exception>
    /// <exception cref="SocketException">The endpoint was not reached the last time.</exception>
    /// <exception cref="IOException">The last attempt failed for another reason.</exception>
    public void ThrowIfBackingOff()
    {
        lock (_gate)
        {
            if (_backoff.Remaining is { Ticks: > 0 } left)
            {
                throw BackingOff(_backoff.LastFailure!, _backoff.Failures, left);
            }
        }
    }

    /// <summary>Creates the exception of the last failure for another caller. It has the same type, from which HttpClient derives HttpRequestError.</summary>
    private static Exception BackingOff(Exception failure, int failures, TimeSpan left)
    {
        string message = string.Create(CultureInfo.InvariantCulture, $"{failure.Message} (Failed attempts: {failures}. The next one begins in {left.TotalSeconds:0.0} s at the earliest.)");
        return failure switch
        {
            AuthenticationException => new AuthenticationException(message, failure),
            SocketException socket => new SocketException((int)socket.SocketErrorCode, message),
            MtaTlsNotNegotiatedException => new MtaTlsNotNegotiatedException(message, failure),
            _ => new IOException(message, failure),
        };
    }

    private async Task ConnectSharedAsync(TaskCompletionSource attempt)
    {
        // Continues on another thread, because the caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Exception? failure = null;
        try
        {
            _connected(await ConnectOneAsync(_stopping).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            failure = e;
        }
        lock (_gate)
        {
            _attempt = null;
        }
        if (failure is OperationCanceledException)
        {
            attempt.SetCanceled(CancellationToken.None);
        }
        else if (failure is not null)
        {
            attempt.SetException(failure);
        }
        else
        {
            attempt.SetResult();
        }
    }
}
