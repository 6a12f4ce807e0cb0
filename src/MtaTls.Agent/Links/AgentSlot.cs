using Microsoft.Extensions.Logging;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agents;

namespace MtaTls.Agent.Links;

/// <summary>Keeps one of the agent's sessions: connects and registers, connects again when the session is lost, and moves to another gateway when its gateway stops.</summary>
internal sealed class AgentSlot(AgentRuntime runtime, int index) : IAsyncDisposable
{
    /// <summary>A gateway that stops names alternates. The agent tries at most this many of them.</summary>
    private const int MaxAlternates = 16;

    /// <summary>If gateways repeatedly ask the agent to leave sooner than this after its registration, it pauses before it moves.</summary>
    private static readonly TimeSpan s_hasty = TimeSpan.FromSeconds(10);

    /// <summary>The most attempts to reach another node behind one address. A round-robin balancer needs as many attempts as there are nodes.</summary>
    private const int MaxMeetings = 8;

    private const int MaxAvoided = 64;

    private static readonly TimeSpan s_meetingPause = TimeSpan.FromMilliseconds(25);

    /// <summary>Sessions that start at the same time do not know each other's node. After this time a session checks whether it shares its node.</summary>
    private static readonly TimeSpan s_firstLook = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_leastPause = TimeSpan.FromMilliseconds(100);

    private readonly ILogger _logger = runtime.Loggers.CreateLogger(AgentLog.Category);
    private readonly Lock _lock = new();

    // Guarded by _lock: the registered link, and former links that still finish their connections.
    private GatewayLink? _current;
    private readonly HashSet<GatewayLink> _leaving = [];
    private Task _running = Task.CompletedTask;
    private int _generation;
    private readonly string _name = $"{runtime.Instance}-{index}";
    private int _looks;
    private bool _refusalLogged;

    /// <summary>The link that is registered with a gateway; null: the slot is connecting.</summary>
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
    public Exception? LastFailure { get; private set; }

    public MtaTlsAgentSessionInfo GetInfo()
    {
        GatewayLink? link = Current;
        return new MtaTlsAgentSessionInfo
        {
            Gateway = link?.Gateway,
            Node = link?.Node,
            GrantedNames = link?.Granted ?? [],
            RefusedNames = (link?.Refused ?? []).DistinctBy(static r => r.Name).ToDictionary(static r => r.Name, static r => r.Reason),
            PublicUrls = link?.PublicUrls ?? new Dictionary<string, Uri>(),
            Failure = link is null ? LastFailure : null,
            IsRefused = link is null && LastFailure is RegistrationRefusedException { IsFinal: true },
        };
    }

    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Tells the gateway that the agent takes no new connections. Returns when the gateway has answered or can't be reached.</summary>
    public async Task AnnounceDrainAsync(CancellationToken cancellationToken)
    {
        // If the loop is still registering, it notices the stop itself. The announcement on a link that is leaving may be on its way.
        await Task.WhenAll(Links().Select(l => l.AnnounceDrainAsync(cancellationToken)));
    }

    public async ValueTask DisposeAsync()
    {
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        GatewayLink[] links = Links();
        lock (_lock)
        {
            _current = null;
        }

        foreach (GatewayLink link in links)
        {
            // The app takes no more requests, so idle connections would only delay its stop.
            link.Connections.Close();
            link.Connections.CloseTunnels();
        }

        await Task.WhenAll(links.Select(static l => l.DisposeAsync().AsTask()));
    }

    /// <summary>The registered link and the former ones that still have connections.</summary>
    private GatewayLink[] Links()
    {
        lock (_lock)
        {
            return _current is null ? [.. _leaving] : [_current, .. _leaving];
        }
    }

    private async Task RunAsync()
    {
        GatewayLink? link = null;
        int failures = 0, moves = 0;
        while (!runtime.Stopping.IsCancellationRequested)
        {
            Exception? failure;
            bool wasRegistered = false;
            Uri gateway = link?.Gateway ?? Choose(failures);
            try
            {
                link ??= await ConnectAsync(gateway, runtime.Stopping);
                failures = 0;
                long registered = runtime.Time.GetTimestamp();
                (DrainMessage? drain, GatewayLink left) = await ServeAsync(link);
                link = null;
                if (drain is not null)
                {
                    // The old session still serves its requests while the new one connects.
                    moves = runtime.Time.GetElapsedTime(registered) < s_hasty ? moves + 1 : 0;
                    link = await MoveAsync(left, drain, moves);
                    continue;
                }

                wasRegistered = true;
                gateway = left.Gateway;
                failure = left.Failure ?? new IOException("the gateway has ended it");
                Replace(left, null);
                // Not awaited: requests on the old session must not delay a new session.
                _ = EndAsync(left);
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
            LastFailure = failure;
            runtime.SlotChanged();
            TimeSpan delay = Delay(failures, failure);
            runtime.Metrics.ConnectFailed(failure);
            LogFailure(gateway, failure, delay, wasRegistered);
            await Task.Delay(delay, runtime.Time, runtime.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Waits for the end of a registration. Meanwhile, a slot that shares its gateway with another slot tries to move to a gateway that no slot has. That gateway may have been unreachable when the agent started.
    /// </summary>
    /// <returns>The gateway's request to leave, or null, and the link on which the registration ended.</returns>
    private async Task<(DrainMessage? Drain, GatewayLink Link)> ServeAsync(GatewayLink link)
    {
        Task<DrainMessage?> ended = link.WaitAsync(runtime.Stopping);
        bool isFirst = true;
        while (true)
        {
            using var stopLooking = CancellationTokenSource.CreateLinkedTokenSource(runtime.Stopping);
            var pause = TimeSpan.FromTicks(Math.Max(runtime.Plan.Options.Reconnect.MaxDelay.Ticks, s_leastPause.Ticks));
            bool looks = runtime.Plan.Gateways.Count > 1 || (link.Nodes is not null && index > 0);
            TimeSpan next = looks && isFirst && link.Nodes is not null && s_firstLook < pause ? s_firstLook : pause;
            isFirst = false;
            Task first = await Task.WhenAny(ended, Task.Delay(looks ? Jittered(next) : Timeout.InfiniteTimeSpan, runtime.Time, stopLooking.Token));
            await stopLooking.CancelAsync();
            if (first == ended || runtime.Stopping.IsCancellationRequested)
            {
                return (await ended, link);
            }

            GatewayLink? found = null;
            if (Uncovered(link) is { } gateway)
            {
                found = await TryConnectAsync(gateway);
            }
            else if (SharesNode(link))
            {
                found = await TrySpreadAsync(link);
            }

            if (found is not null)
            {
                _logger.GatewayReturned(found.Gateway, found.Node, link.Gateway, link.Node);
                _ = LeaveAsync(link);
                link = found;
                ended = link.WaitAsync(runtime.Stopping);
            }
        }
    }

    /// <summary>A gateway without a session, if this slot shares its gateway with another slot. Of the slots that share a gateway only the last one looks.</summary>
    private Uri? Uncovered(GatewayLink link)
    {
        IReadOnlyList<AgentSlot> slots = runtime.Slots;
        bool shares = slots.Take(index).Any(s => s.Current?.Gateway == link.Gateway) && !slots.Skip(index + 1).Any(s => s.Current?.Gateway == link.Gateway);
        Uri[] uncovered = shares ? [.. runtime.Plan.Gateways.Where(g => slots.All(s => s.Current?.Gateway != g))] : [];
        return uncovered.Length == 0 ? null : uncovered[_looks++ % uncovered.Length];
    }

    private async Task<GatewayLink?> TryConnectAsync(Uri gateway)
    {
        Interlocked.Increment(ref _generation);
        try
        {
            return await ConnectAsync(gateway, runtime.Stopping);
        }
        catch (Exception e) when (e is not OperationCanceledException || !runtime.Stopping.IsCancellationRequested)
        {
            _logger.GatewayStillAway(gateway, e.Message);
            return null;
        }
    }

    /// <summary>Registers with a gateway. The instance name tells the gateway that this registration replaces a lost one of the same slot.</summary>
    private async Task<GatewayLink> ConnectAsync(Uri gateway, CancellationToken cancellationToken) => await AdoptAsync(await MeetAsync(gateway, cancellationToken));

    private async Task<GatewayLink> AdoptAsync(GatewayLink link)
    {
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
        runtime.SlotChanged();
        return link;
    }

    /// <summary>Connects to a gateway. If its address stands for several nodes, it looks for a node without a session of this agent. After <see cref="MaxMeetings"/> attempts it takes any node.</summary>
    private async Task<GatewayLink> MeetAsync(Uri gateway, CancellationToken cancellationToken)
    {
        string instance = $"{_name}-{Volatile.Read(ref _generation)}";
        string[] avoid = [.. runtime.Slots.Where(s => s != this).Select(static s => s.Current).Where(static l => l is { Nodes: > 1, Node.Length: > 0 }).Select(static l => l!.Node).Distinct().Take(MaxAvoided)];
        for (int i = 0; avoid.Length > 0 && i < MaxMeetings; i++)
        {
            try
            {
                return await GatewayLink.ConnectAsync(runtime, gateway, instance, avoid, cancellationToken);
            }
            catch (RegistrationRefusedException e) when (e.IsOtherNode)
            {
                await Task.Delay(s_meetingPause * (1 + runtime.Random()), runtime.Time, cancellationToken);
            }
        }

        return await GatewayLink.ConnectAsync(runtime, gateway, instance, [], cancellationToken);
    }

    /// <summary>Tries to reach another node than the one that this session shares with an earlier session.</summary>
    private async Task<GatewayLink?> TrySpreadAsync(GatewayLink link)
    {
        for (int i = 0; i < MaxMeetings; i++)
        {
            try
            {
                Interlocked.Increment(ref _generation);
                return await AdoptAsync(await GatewayLink.ConnectAsync(runtime, link.Gateway, $"{_name}-{Volatile.Read(ref _generation)}", [link.Node], runtime.Stopping));
            }
            catch (RegistrationRefusedException e) when (e.IsOtherNode)
            {
                await Task.Delay(s_meetingPause * (1 + runtime.Random()), runtime.Time, runtime.Stopping);
            }
            catch (Exception e) when (e is not OperationCanceledException || !runtime.Stopping.IsCancellationRequested)
            {
                _logger.GatewayStillAway(link.Gateway, e.Message);
                return null;
            }
        }

        return null;
    }

    /// <summary>Whether an earlier session of this agent has the same node.</summary>
    private bool SharesNode(GatewayLink link) =>
        link is { Nodes: not null, Node.Length: > 0 } && runtime.Slots.Take(index).Any(s => s.Current is { } other && other != link && other.Node == link.Node);

    private Uri Choose(int failures) => GatewayOrder.Choose(runtime.Plan.Gateways, index, failures, g => runtime.Slots.Any(s => s != this && s.Current?.Gateway == g));

    /// <summary>
    /// Moves to another gateway, because this one stops. It waits for a random part of the deadline, so that not all agents arrive at other gateways at once. It registers there first and then leaves.
    /// </summary>
    private async Task<GatewayLink?> MoveAsync(GatewayLink left, DrainMessage drain, int moves)
    {
        _logger.GatewayDrains(left.Gateway, drain.Deadline);
        // The pause grows if gateways ask again and again, so that the agent does not move in a fast loop.
        await GatewayOrder.SpreadAsync(drain.Deadline, runtime.Random(), moves > 1 ? Delay(moves - 1, null) : TimeSpan.Zero, runtime.Time, runtime.Stopping);
        Interlocked.Increment(ref _generation);
        GatewayLink? next = null;
        List<Uri> elsewhere = [.. drain.Alternates.Take(MaxAlternates).Select(static a => Configuration.AgentPlanFactory.TryParseGateway(a, out Uri gateway) ? gateway : null).OfType<Uri>()];
        elsewhere.AddRange(runtime.Plan.Gateways.Where(g => g != left.Gateway && !elsewhere.Contains(g)));
        // The same address comes last: behind a balancer it may lead to another gateway.
        elsewhere.Add(left.Gateway);
        foreach (Uri gateway in elsewhere)
        {
            try
            {
                next = await ConnectAsync(gateway, runtime.Stopping);
                break;
            }
            catch (Exception e) when (e is not OperationCanceledException || !runtime.Stopping.IsCancellationRequested)
            {
                LastFailure = e;
                _logger.ConnectFailed(gateway, e.Message, 0);
            }
        }

        Replace(left, next);
        _ = LeaveAsync(left);
        return next;
    }

    /// <summary>Announces draining, then ends the session when its connections have finished. Their time is limited only if the gateway ends the session.</summary>
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

        if (!link.IsSessionEnding)
        {
            await link.LeaveAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await EndAsync(link);
    }

    private async Task EndAsync(GatewayLink link)
    {
        lock (_lock)
        {
            _leaving.Add(link);
        }

        await link.DisposeAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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

    private TimeSpan Delay(int failures, Exception? failure) =>
        // A refused name stays refused until an operator changes a rule, so the pause is the longest.
        GatewayOrder.Delay(runtime.Plan.Options.Reconnect, failures, failure is RegistrationRefusedException { IsFinal: true }, runtime.Random());

    private TimeSpan Jittered(TimeSpan delay) => GatewayOrder.Jittered(runtime.Plan.Options.Reconnect, delay, runtime.Random());

    private void LogFailure(Uri gateway, Exception failure, TimeSpan delay, bool wasRegistered)
    {
        if (wasRegistered)
        {
            _logger.RegistrationLost(gateway, failure.Message, delay.TotalSeconds);
        }
        else if (failure is not RegistrationRefusedException { IsFinal: true })
        {
            _logger.ConnectFailed(gateway, failure.Message, delay.TotalSeconds);
        }
        else if (!_refusalLogged)
        {
            _refusalLogged = true;
            _logger.RegistrationRefused(gateway, failure.Message, delay.TotalSeconds);
        }
    }
}
