using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agents;

namespace MtaTls.Agent.Links;

/// <summary>Keeps one of the agent's sessions: connects, registers, connects again when the session is lost, and moves elsewhere when its gateway stops.</summary>
internal sealed class AgentSlot(AgentRuntime runtime, int index) : IAsyncDisposable
{
    private readonly ILogger _logger = runtime.Loggers.CreateLogger(AgentLog.Category);
    private readonly Lock _lock = new();

    // Guarded by _lock: the link that is registered, and those that have been left and finish what they serve.
    private GatewayLink? _current;
    private readonly HashSet<GatewayLink> _leaving = [];
    private Task _running = Task.CompletedTask;
    private int _generation;
    private readonly string _name = $"{runtime.Instance}-{index}";
    private int _attempts;
    private bool _refusalLogged;

    /// <summary>The gateway that the slot is registered with; null: it is connecting.</summary>
    public GatewayLink? Current
    {
        get
        {
            lock (_lock)
            {
                return _current;
            }
        }
    }

    /// <summary>Why the last attempt failed; null after a success.</summary>
    public string? LastFailure { get; private set; }

    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>No new connections: every gateway has answered that when this returns, or is not reachable.</summary>
    public async Task AnnounceDrainAsync(CancellationToken cancellationToken)
    {
        // Where the loop is still registering, it sees the stop and leaves.
        if (Current is { } link)
        {
            await link.AnnounceDrainAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        GatewayLink[] links;
        lock (_lock)
        {
            links = _current is null ? [.. _leaving] : [_current, .. _leaving];
            _current = null;
        }

        await Task.WhenAll(links.Select(static l => l.DisposeAsync().AsTask()));
    }

    private async Task RunAsync()
    {
        GatewayLink? link = null;
        int failures = 0;
        while (!runtime.Stopping.IsCancellationRequested)
        {
            Exception? failure = null;
            try
            {
                link ??= await ConnectAsync([], runtime.Stopping);
                failures = 0;
                DrainMessage? drain = await link.WaitAsync(runtime.Stopping);
                GatewayLink left = link;
                link = null;
                if (drain is not null)
                {
                    // What it serves goes on there while the next one is connected.
                    link = await MoveAsync(left, drain);
                    continue;
                }

                failure = left.Failure;
                Replace(left, null);
                await left.DisposeAsync();
                _logger.RegistrationLost(left.Gateway, failure?.Message ?? "the gateway has ended it");
            }
            catch (OperationCanceledException) when (runtime.Stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                failure = e;
                link = null;
            }

            failures++;
            LastFailure = failure?.Message ?? "The gateway has ended the registration.";
            TimeSpan delay = Delay(failures, failure);
            runtime.Metrics.ConnectFailed(failure);
            LogFailure(failure, delay);
            await Task.Delay(delay, runtime.Time, runtime.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Registers with the next gateway. The instance tells the gateway that a lost session of this slot is replaced.</summary>
    private async Task<GatewayLink> ConnectAsync(IReadOnlyList<Uri> first, CancellationToken cancellationToken)
    {
        Uri[] gateways = [.. first, .. runtime.Plan.Gateways];
        Uri gateway = first.Count > 0 ? first[0] : Choose(gateways);
        GatewayLink link = await GatewayLink.ConnectAsync(runtime, gateway, $"{_name}-{Volatile.Read(ref _generation)}", cancellationToken);
        bool isStopping;
        lock (_lock)
        {
            isStopping = runtime.Stopping.IsCancellationRequested;
            if (!isStopping)
            {
                _current = link;
            }
        }

        if (isStopping)
        {
            await link.DisposeAsync();
            throw new OperationCanceledException(runtime.Stopping);
        }

        LastFailure = null;
        _refusalLogged = false;
        return link;
    }

    /// <summary>The gateways in turn; those that another slot already has come last.</summary>
    private Uri Choose(Uri[] gateways)
    {
        int start = index + _attempts++;
        for (int i = 0; i < gateways.Length; i++)
        {
            Uri gateway = gateways[(start + i) % gateways.Length];
            if (!runtime.Slots.Any(s => s != this && s.Current?.Gateway == gateway))
            {
                return gateway;
            }
        }

        return gateways[start % gateways.Length];
    }

    /// <summary>The gateway stops: after a random part of its deadline, so that agents do not all come at once, the slot registers elsewhere, then leaves.</summary>
    private async Task<GatewayLink?> MoveAsync(GatewayLink left, DrainMessage drain)
    {
        double random = RandomNumberGenerator.GetInt32(1_000) / 1_000.0;
        _logger.GatewayDrains(left.Gateway, drain.Deadline);
        await Task.Delay(TimeSpan.FromSeconds(Math.Clamp(drain.Deadline, 0, 3_600) * 0.4 * random), runtime.Time, runtime.Stopping);
        Interlocked.Increment(ref _generation);
        GatewayLink? next = null;
        List<Uri> elsewhere = [.. drain.Alternates.Select(static a => Configuration.AgentPlanFactory.TryParseGateway(a, out Uri gateway) ? gateway : null).OfType<Uri>()];
        elsewhere.AddRange(runtime.Plan.Gateways.Where(g => g != left.Gateway && !elsewhere.Contains(g)));
        // Last the same address: behind a balancer it may be another gateway.
        elsewhere.Add(left.Gateway);
        foreach (Uri gateway in elsewhere)
        {
            try
            {
                next = await ConnectAsync([gateway], runtime.Stopping);
                break;
            }
            catch (Exception e) when (e is not OperationCanceledException || !runtime.Stopping.IsCancellationRequested)
            {
                LastFailure = e.Message;
                _logger.ConnectFailed(gateway, e.Message, 0);
            }
        }

        Replace(left, next);
        _ = LeaveAsync(left);
        return next;
    }

    /// <summary>Serves what the gateway has already opened, then ends the session.</summary>
    private async Task LeaveAsync(GatewayLink link)
    {
        lock (_lock)
        {
            _leaving.Add(link);
        }

        using (CancellationTokenSource timeout = new(TimeSpan.FromSeconds(5)))
        {
            await link.AnnounceDrainAsync(timeout.Token);
        }

        await link.DisposeAsync();
        lock (_lock)
        {
            _leaving.Remove(link);
        }
    }

    private void Replace(GatewayLink left, GatewayLink? next)
    {
        lock (_lock)
        {
            if (_current == left || next is not null)
            {
                _current = next;
            }
        }
    }

    private TimeSpan Delay(int failures, Exception? failure)
    {
        Client.MtaTlsReconnectOptions reconnect = runtime.Plan.Options.Reconnect;
        // A name that is not allowed stays so until somebody changes a rule.
        TimeSpan delay = failure is RegistrationRefusedException { IsFinal: true }
            ? reconnect.MaxDelay
            : TimeSpan.FromTicks((long)Math.Min(reconnect.MaxDelay.Ticks, reconnect.InitialDelay.Ticks * Math.Pow(2, Math.Min(failures - 1, 30))));
        return delay * (1 - reconnect.Jitter * (RandomNumberGenerator.GetInt32(1_000) / 1_000.0));
    }

    private void LogFailure(Exception? failure, TimeSpan delay)
    {
        if (failure is RegistrationRefusedException { IsFinal: true } refused)
        {
            if (!_refusalLogged)
            {
                _refusalLogged = true;
                _logger.RegistrationRefused(refused.Gateway, refused.Message, delay.TotalSeconds);
            }
        }
        else if (failure is not null)
        {
            _logger.ConnectFailed((failure as RegistrationRefusedException)?.Gateway, failure.Message, delay.TotalSeconds);
        }
    }
}
