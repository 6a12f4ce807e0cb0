using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using MtaTls.Agent.Configuration;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agent.Forwarding;
using MtaTls.Agent.Transport;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Agent.Links;

/// <summary>Keeps the agent's sessions with its gateways while Kestrel runs, and passes their channels to Kestrel and to upstreams.</summary>
internal sealed class AgentRuntime : IDisposable
{
    private static readonly TimeSpan s_announceTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_endTimeout = TimeSpan.FromSeconds(5);

    private readonly Lazy<AgentPlan> _plan;
    private readonly Lazy<AgentForwarder> _forwarder;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly List<AgentConnectionListener> _listeners = [];
    private readonly List<GatewayLink> _ending = [];
    private AgentSlot[] _slots = [];
    private CancellationTokenSource _changed = new();
    private Task? _drained;
    private Task _left = Task.CompletedTask;   // written before _drained ends
    private bool _started;
    private long _connections;

    public AgentRuntime(
        IOptions<MtaTlsAgentOptions> options, AgentPlanFactory plans, AgentMetrics metrics, IHostApplicationLifetime lifetime, TimeProvider time, ILoggerFactory loggers)
    {
        _plan = new(() => plans.Create(options.Value, new ErrorList()));
        _forwarder = new(() => new AgentForwarder(Plan.Options, time, loggers.CreateLogger(AgentLog.Category)));
        _lifetime = lifetime;
        _loggers = loggers;
        _logger = loggers.CreateLogger(AgentLog.Category);
        Metrics = metrics;
        Time = time;
    }

    public AgentPlan Plan => _plan.Value;

    public AgentMetrics Metrics { get; }

    public TimeProvider Time { get; }

    /// <summary>A random number from 0 to less than 1, which spreads pauses. A test sets it before the app starts.</summary>
    public Func<double> Random { get; set; } = static () => RandomNumberGenerator.GetInt32(1_000) / 1_000.0;

    public ILoggerFactory Loggers => _loggers;

    /// <summary>Distinguishes this process's registrations from those of an earlier process.</summary>
    public string Instance { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>Canceled when the app stops. From then on the agent does not connect.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public IReadOnlyList<AgentSlot> Slots => Volatile.Read(ref _slots);

    /// <summary>A token that changes when a slot changes.</summary>
    public IChangeToken GetChangeToken() => new CancellationChangeToken(Volatile.Read(ref _changed).Token);

    /// <summary>Called by a slot when it has registered, or failed to, or lost its registration.</summary>
    public void SlotChanged()
    {
        // The callbacks are the application's code, so they must not run on the slot's thread.
        CancellationTokenSource before = Interlocked.Exchange(ref _changed, new CancellationTokenSource());
        ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), before, preferLocal: false);
    }

    /// <summary>Called when Kestrel binds one of the agent's endpoints.</summary>
    public void Add(AgentConnectionListener listener)
    {
        lock (_lock)
        {
            _listeners.Add(listener);
            if (_started)
            {
                return;
            }

            _started = true;
        }

        // Not earlier, because only then all endpoints are bound and the app serves requests.
        _lifetime.ApplicationStarted.UnsafeRegister(static state => ((AgentRuntime)state!).Start(), this);
    }

    /// <summary>Tells every gateway that the agent takes no new connections, and waits for their answers. Only the first call does it; every call waits for it.</summary>
    public Task DrainAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _drained ??= DrainOnceAsync(cancellationToken);
        }
    }

    /// <summary>Called when Kestrel disposes a listener. The last one ends the sessions.</summary>
    public async ValueTask ReleaseAsync(AgentConnectionListener listener)
    {
        lock (_lock)
        {
            if (!_listeners.Remove(listener) || _listeners.Count > 0)
            {
                return;
            }
        }

        await DrainAsync(CancellationToken.None);
        // The sessions wait at most DrainTimeout for connections in use.
        await _left;
        await WhenEndedAsync();
        if (_forwarder.IsValueCreated)
        {
            await _forwarder.Value.WaitAsync(Plan.Options.DrainTimeout);
        }
    }

    /// <summary>Answers a channel that a gateway opens. The agent serves only destinations that it has registered.</summary>
    public async ValueTask OnChannelRequestedAsync(GatewayLink link, MtaTlsChannelRequest request)
    {
        Agents.AgentName name = new(request.Destination.Host.ToLowerInvariant(), request.Destination.Port);
        if (Plan.Names.Contains(name))
        {
            Accept(link, request);
        }
        else if (Plan.Forward.TryGetValue(name, out ChannelAddress upstream))
        {
            Metrics.ChannelOpened("forward");
            await _forwarder.Value.ForwardAsync(request, link.Connections, name, upstream);
            Metrics.ChannelEnded("forward");
        }
        else
        {
            _logger.NotRegistered(link.Gateway, request.Source, request.Destination);
            Metrics.ChannelRefused("not_registered");
            request.Refuse("Not registered.");
        }
    }

    /// <summary>Ends a session without a registration.</summary>
    public async Task EndAsync(GatewayLink link)
    {
        lock (_lock)
        {
            _ending.Add(link);
        }

        await link.AbandonAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _ending.Remove(link);
        }
    }

    public void Dispose() => _stopping.Dispose();

    /// <summary>Waits until the sessions without a registration have ended, so that a gateway that answers sees their orderly end.</summary>
    private async Task WhenEndedAsync()
    {
        GatewayLink[] ending;
        lock (_lock)
        {
            ending = [.. _ending];
        }

        await Task.WhenAll(ending.Select(static l => l.AbandonAsync().AsTask())).WaitAsync(s_endTimeout, Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Accept(GatewayLink link, MtaTlsChannelRequest request)
    {
        MtaTlsChannel channel;
        try
        {
            channel = request.Accept();
        }
        catch (IOException e)
        {
            _logger.ChannelNotAccepted(link.Gateway, e.Message);
            return;
        }

        Metrics.ChannelOpened("http");
        AgentConnection connection = new(channel, link.Gateway, AgentConnection.Id(link.Id, Interlocked.Increment(ref _connections)), ended =>
        {
            Metrics.ChannelEnded("http");
            link.Connections.Remove(ended);
        });
        AgentConnectionListener[] listeners;
        lock (_lock)
        {
            listeners = [.. _listeners];
        }

        link.Connections.Add(connection);
        // Kestrel gets the connection with its first byte, so an idle channel costs no Kestrel connection.
        channel.OnReadable(static (_, state) => ((PrefaceReader)state!).OnReadable(), new PrefaceReader(channel, connection, listeners, _logger));
    }

    private void Start()
    {
        var slots = new AgentSlot[Plan.Options.Sessions];
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = new AgentSlot(this, i);
        }

        lock (_lock)
        {
            if (_drained is not null)
            {
                return;
            }

            Volatile.Write(ref _slots, slots);
        }

        _logger.Starting(Plan.Agent, string.Join(", ", Plan.RegisteredNames), string.Join(", ", Plan.Gateways));
        foreach (AgentSlot slot in slots)
        {
            slot.Start();
        }
    }

    private async Task DrainOnceAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _stopping.CancelAsync();
        AgentSlot[] slots = Volatile.Read(ref _slots);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(s_announceTimeout);
        await Task.WhenAll(slots.Select(s => s.AnnounceDrainAsync(timeout.Token)));
        if (slots.Length > 0)
        {
            _logger.Draining(Plan.Agent);
        }

        // DrainTimeout for connections in use begins here. Kestrel itself would wait until the host's ShutdownTimeout.
        _left = Task.WhenAll(slots.Select(static s => s.DisposeAsync().AsTask()));
    }
}
