using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using MtaTls.Agents;
using MtaTls.AspNetCore.Connections;
using MtaTls.Protocol;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>One registered session of an agent, from its registration to its end.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The source has no timer, so it needs no disposal, and its token may be used at any time.")]
internal sealed class AgentRegistration(MtaTlsServerSession session, RegistrationRequest request, AgentIdentity identity, string node, List<AgentName> names, DateTimeOffset since) : ISendGate
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource<TimeSpan> _drainRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guarded by _lock: open channels, opens and requests under way, and whether the agent is draining or gone.
    private readonly HashSet<MtaTlsChannel> _channels = [];
    private int _opening;
    private int _sending;
    private TaskCompletionSource? _sent;
    private bool _draining;
    private bool _isEnded;
    private long _total;

    public string Id { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    public string Agent => request.Agent;

    public string Instance => request.Instance;

    public AgentIdentity Identity => identity;

    public MtaTlsServerSession Session => session;

    public List<AgentName> Names => names;

    public int Weight { get; } = Math.Clamp(request.Weight, 1, 16);

    public string Node => node;

    public DateTimeOffset Since => since;

    public IReadOnlyList<AgentMember> Members => field ??= [.. names.Select(n => new AgentMember(n.ToString(), node, Id, Agent, Weight))];

    /// <summary>The directory's entry for one of the agent's names.</summary>
    public AgentMember Member(AgentName name) => Members[Names.IndexOf(name)];

    /// <summary>Canceled when the registration has ended.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Completes when the gateway asks the agent to leave, with the time that the agent has for it.</summary>
    public Task<TimeSpan> DrainRequested => _drainRequested.Task;

    /// <summary>Whether the directory has the agent's names, so that they are served.</summary>
    public bool IsAnnounced { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    public bool IsDraining
    {
        get
        {
            lock (_lock)
            {
                return _draining || _isEnded;
            }
        }
    }

    public int ActiveChannels
    {
        get
        {
            lock (_lock)
            {
                return _channels.Count + _opening;
            }
        }
    }

    public long TotalChannels => Volatile.Read(ref _total);

    /// <summary>Channels and requests of the agent, divided by its weight. For comparing agents.</summary>
    public double Load
    {
        get
        {
            lock (_lock)
            {
                return (double)(_channels.Count + _opening + _sending) / Weight;
            }
        }
    }

    /// <summary>Opens a channel to the agent.</summary>
    /// <exception cref="AgentUnavailableException">No channel was opened.</exception>
    public async ValueTask<MtaTlsChannel> OpenAsync(AgentName name, ChannelAddress source, AgentLimits limits, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                throw new AgentUnavailableException($"Agent {Agent} ({Id}) is no longer registered.");
            }

            if (_channels.Count + _opening >= limits.MaxChannels)
            {
                throw new AgentUnavailableException($"Agent {Agent} ({Id}) has MaxChannelsPerAgent ({limits.MaxChannels}) open channels.") { Data = { ["limit"] = true } };
            }

            _opening++;
        }

        MtaTlsChannel? channel = null;
        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
            timeout.CancelAfter(limits.OpenTimeout);
            channel = await session.Session.OpenChannelAsync(source, new ChannelAddress(name.Host, name.Port), timeout.Token);
            return Track(channel);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AgentUnavailableException(_ended.IsCancellationRequested ? $"Agent {Agent} ({Id}) is no longer registered." : $"Agent {Agent} ({Id}) has not answered within OpenTimeout ({limits.OpenTimeout}).", e);
        }
        catch (IOException e) when (e is not AgentUnavailableException)
        {
            throw new AgentUnavailableException($"Agent {Agent} ({Id}) has not opened a channel: {e.Message}", e);
        }
        finally
        {
            lock (_lock)
            {
                _opening--;
            }
        }
    }

    /// <summary>Counts a request that is about to be sent. The caller then calls <see cref="EndSending"/>. False: the agent takes no more requests.</summary>
    public bool TryBeginSending()
    {
        lock (_lock)
        {
            if (_draining || _isEnded)
            {
                return false;
            }

            _sending++;
            return true;
        }
    }

    public void EndSending()
    {
        lock (_lock)
        {
            if (--_sending == 0)
            {
                _sent?.TrySetResult();
            }
        }
    }

    /// <summary>Stops new requests to the agent.</summary>
    /// <param name="sent">Completes when all requests under way have been answered or have failed.</param>
    /// <returns>False: the agent was draining already, or the registration has ended.</returns>
    public bool BeginDrain(out Task sent)
    {
        lock (_lock)
        {
            bool isNews = !_draining && !_isEnded;
            _draining = true;
            sent = _sending == 0 ? Task.CompletedTask : (_sent ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            return isNews;
        }
    }

    public void RequestDrain(TimeSpan deadline) => _drainRequested.TrySetResult(deadline);

    /// <summary>Ends the registration. Open channels continue.</summary>
    /// <returns>False: it had ended already.</returns>
    public bool End()
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                return false;
            }

            _isEnded = true;
        }

        // CancelAsync, because callbacks must not run on this thread: it may serve a request of another agent.
        _ = _ended.CancelAsync();
        return true;
    }

    /// <summary>Ends the session: every channel fails at once.</summary>
    public void Abort(string reason) => session.Session.Abort(new MtaTlsSessionException(reason));

    private MtaTlsChannel Track(MtaTlsChannel channel)
    {
        lock (_lock)
        {
            _channels.Add(channel);
        }

        Interlocked.Increment(ref _total);
        channel.OnClosed(
            static (closed, _, state) =>
            {
                var registration = (AgentRegistration)state!;
                lock (registration._lock)
                {
                    registration._channels.Remove(closed);
                }
            },
            this);
        return channel;
    }
}
