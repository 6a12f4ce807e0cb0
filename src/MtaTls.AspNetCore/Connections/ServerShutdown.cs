using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// The first part of the shutdown, before Kestrel stops: the health check turns unhealthy, every session sends a go-away, and the server still serves everything for
/// <see cref="MtaTlsShutdownOptions.Delay"/>. Then Kestrel stops: sessions refuse opens, close idle channels, finish requests and send close_notify.
/// </summary>
internal sealed class ServerShutdown(ServerSessions sessions, KestrelOptionsAccessor kestrel, IServiceProvider services, TimeProvider time, ILoggerFactory loggers) : IHostedLifecycleService, IDisposable
{
    private readonly Lock _lock = new();
    private CancellationTokenRegistration _stopping;

    // Guarded by _lock: the time from which opens are refused, and that time by the configured delay alone. Least can make the first later.
    private long _deadline;
    private long _ownDeadline;
    private volatile bool _isStopping;

    /// <summary>Whether the server has begun to stop.</summary>
    public bool IsStopping => _isStopping;

    /// <summary>The time until opens are refused; zero if the server has not begun to stop.</summary>
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

    /// <summary>Returns the least time for which everything is served, if another service needs longer than the configured delay. Null: no other service does.</summary>
    public Func<TimeSpan>? Least { get; set; }

    /// <summary>Tells health checks and clients that the server will stop. Further calls do nothing.</summary>
    public void Begin()
    {
        TimeSpan delay, least = Least?.Invoke() ?? TimeSpan.Zero;
        try
        {
            delay = services.GetRequiredService<IOptions<MtaTlsOptions>>().Value.Shutdown.Delay;
        }
        catch (OptionsValidationException)
        {
            // The host did not start because of these options, so there is no session to tell.
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

        // Sessions that start later check IsStopping after they were added, so none is missed.
        MtaTlsServerSession[] open = sessions.Snapshot();
        loggers.CreateLogger(LogCategories.Sessions).ServerStopping(open.Length, delay.TotalSeconds);
        foreach (MtaTlsServerSession session in open)
        {
            session.GoAway(delay);
        }
    }

    /// <summary>Returns to the configured delay, because the service that needed longer has finished.</summary>
    public void EndLeast()
    {
        lock (_lock)
        {
            _deadline = _ownDeadline;
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        // Under a server other than Kestrel nothing may read the options.
        if (kestrel.Options is null)
        {
            return Task.CompletedTask;
        }

        if (services.GetService<IHostApplicationLifetime>() is { } lifetime)
        {
            // Clients are told as soon as the signal arrives, before other services begin to wait for their own end.
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
