using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;

namespace MtaTls.Client.Sessions;

/// <summary>Makes connections: one at a time for all callers that wait, and none during the endpoint's back-off.</summary>
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
    /// <param name="dialer">Makes the connections.</param>
    /// <param name="counters">Counts.</param>
    /// <param name="random">The jitter of back-offs: 0 to below 1.</param>
    /// <param name="mayConnect">Whether there may be another session.</param>
    /// <param name="connected">Takes what a shared attempt has connected.</param>
    /// <param name="stopping">Is cancelled when the client is disposed.</param>
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

    /// <summary>What is left of the back-off.</summary>
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

    /// <summary>Whether the endpoint was reached before and is waited for.</summary>
    public bool IsWaitedFor
    {
        get
        {
            lock (_gate)
            {
                return _backoff.WaitRemaining > TimeSpan.Zero;
            }
        }
    }

    /// <summary>Ends when the back-off is ended early.</summary>
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

    /// <summary>What a channel without room has to wait for: an attempt, or a pause, or, where both are null, other channels.</summary>
    /// <exception cref="Exception">The back-off lasts, and the endpoint is not waited for: the last failure again.</exception>
    public (Task? Attempt, TimeSpan? Pause) Next()
    {
        lock (_gate)
        {
            if (_attempt is not null)
            {
                return (_attempt, null);
            }

            // An attempt adds its session before it ends, so the sessions are never too many.
            if (!_mayConnect())
            {
                return (null, null);
            }

            return _backoff.Pause is { Ticks: > 0 } pause ? (null, pause) : (Connect(), null);
        }
    }

    /// <summary>The attempt to connect that is under way, or a new one.</summary>
    /// <exception cref="Exception">The back-off lasts: the last failure again, as <see cref="ThrowIfBackingOff"/> throws it.</exception>
    public Task Connect()
    {
        lock (_gate)
        {
            if (_attempt is not null)
            {
                return _attempt;
            }

            ThrowIfBackingOff();
            // Those that wait go on by themselves: one that blocks its thread holds up no other.
            var attempt = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _attempt = attempt.Task;
            // All who wait may have given up.
            _ = attempt.Task.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            _ = ConnectSharedAsync(attempt);
            return attempt.Task;
        }
    }

    /// <summary>The attempt to connect that is under way, or a new one where it is still needed.</summary>
    /// <param name="isNeeded">Asked when no attempt is under way. The result of the last one, a session or a plain connection, is known by then.</param>
    /// <exception cref="Exception">The back-off lasts: the last failure again, as <see cref="ThrowIfBackingOff"/> throws it.</exception>
    public Task ConnectIf(Func<bool> isNeeded)
    {
        lock (_gate)
        {
            return _attempt is not null || isNeeded() ? Connect() : Task.CompletedTask;
        }
    }

    /// <summary>Begins an attempt where one may be made.</summary>
    public void TryConnect() => TryConnectIf(static () => true);

    /// <summary>Begins an attempt where one may be made and is needed.</summary>
    /// <param name="isNeeded">Asked when no attempt is under way.</param>
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

    /// <summary>The attempt under way, for disposal.</summary>
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

    /// <summary>Makes a connection for one caller.</summary>
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

    /// <summary>An attempt has failed, or a session has ended before it was of use.</summary>
    public void Failed(Exception reason)
    {
        lock (_gate)
        {
            _backoff.Failed(reason);
        }
    }

    /// <summary>A channel was opened.</summary>
    public void Succeeded()
    {
        lock (_gate)
        {
            _backoff.Succeeded();
        }
    }

    /// <summary>The network has changed: what failed before may succeed now.</summary>
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

    /// <exception cref="AuthenticationException">The back-off lasts, and the handshake failed the last time.</exception>
    /// <exception cref="SocketException">The back-off lasts, and the endpoint was not reached the last time.</exception>
    /// <exception cref="IOException">The back-off lasts, and the last attempt failed in another way.</exception>
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

    /// <summary>The last failure for another caller. It keeps its kind, from which HttpClient derives HttpRequestError.</summary>
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
        // Leaves the lock of the caller before anything else happens.
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
