using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// The beginning of the server's end, before Kestrel's own: the health check turns unhealthy, every session sends a go-away, and for <see cref="MtaTlsShutdownOptions.Delay"/> everything is still served.
/// Then Kestrel stops: sessions refuse opens, close idle channels, finish requests and send close_notify.
/// </summary>
internal sealed class ServerShutdown(ServerSessions sessions, KestrelOptionsAccessor kestrel, IServiceProvider services, TimeProvider time, ILoggerFactory loggers) : IHostedLifecycleService, IDisposable
{
    private readonly Lock _lock = new();
    private CancellationTokenRegistration _stopping;

    // Guarded by _lock: when opens are refused, and when they would be if no other service needed longer.
    private long _deadline;
    private long _ownDeadline;
    private volatile bool _isStopping;

    /// <summary>Whether the server has begun to stop.</summary>
    public bool IsStopping => _isStopping;

    /// <summary>The time until opens are refused; zero when the server has not begun to stop.</summary>
    public TimeSpan Remaining
    {
        get
        {
            lock (_lock)
            {
                long left = _deadline - time.GetTimestamp();
                return _isStopping && left > 0 ? time.GetElapsedTime(0, left) : TimeSpan.Zero;
            }
        }
    }

    /// <summary>Tells health checks and clients that the server will stop. Further calls do nothing.</summary>
    /// <param name="least">How long everything is served at least, where another service needs longer than the configured delay.</param>
    public void Begin(TimeSpan least = default)
    {
        TimeSpan delay;
        try
        {
            delay = services.GetRequiredService<IOptions<MtaTlsOptions>>().Value.Shutdown.Delay;
        }
        catch (OptionsValidationException)
        {
            // The host did not start because of them: there is no session to tell.
            return;
        }

        lock (_lock)
        {
            if (_isStopping)
            {
                return;
            }

            long now = time.GetTimestamp();
            _ownDeadline = now + (long)(delay.TotalSeconds * time.TimestampFrequency);
            delay = delay > least ? delay : least;
            _deadline = now + (long)(delay.TotalSeconds * time.TimestampFrequency);
            _isStopping = true;
        }

        // A session that starts from now on looks at IsStopping after it was added.
        MtaTlsServerSession[] open = sessions.Snapshot();
        loggers.CreateLogger(LogCategories.Sessions).ServerStopping(open.Length, delay.TotalSeconds);
        foreach (MtaTlsServerSession session in open)
        {
            session.GoAway(delay);
        }
    }

    /// <summary>The service that needed longer has finished: from now on only the configured delay counts.</summary>
    public void EndLeast()
    {
        lock (_lock)
        {
            _deadline = _ownDeadline;
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        // Under another server no option is read.
        if (kestrel.Options is null)
        {
            return Task.CompletedTask;
        }

        if (services.GetService<IHostApplicationLifetime>() is { } lifetime)
        {
            // A signal is told here first: before other services begin to wait for their own end.
            _stopping = lifetime.ApplicationStopping.UnsafeRegister(static state => ((ServerShutdown)state!).Begin(), this);
        }

        TimeSpan delay = services.GetRequiredService<IOptions<MtaTlsOptions>>().Value.Shutdown.Delay;
        TimeSpan timeout = services.GetService<IOptions<HostOptions>>()?.Value.ShutdownTimeout ?? Timeout.InfiniteTimeSpan;
        if (delay > TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan && delay >= timeout)
        {
            loggers.CreateLogger(LogCategories.Sessions).ShutdownDelayTooLong(delay, timeout);
        }

        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (kestrel.Options is null)
        {
            return;
        }

        Begin();
        if (Remaining is { Ticks: > 0 } remaining)
        {
            await Task.Delay(remaining, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();
}
