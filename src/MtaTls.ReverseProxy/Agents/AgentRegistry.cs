using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MtaTls.Agents;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>The registrations of this gateway.</summary>
internal sealed class AgentRegistry(IAgentDirectory directory, ReverseProxySettings settings, AgentMetrics metrics, ILoggerFactory loggers) : IAgentConnector
{
    private readonly ConcurrentDictionary<string, AgentRegistration> _registrations = new(StringComparer.Ordinal);
    private readonly Dictionary<(AgentIdentity Identity, string Agent, string Instance), AgentRegistration> _instances = [];
    private readonly Dictionary<AgentName, int> _names = [];
    private readonly Lock _lock = new();
    private readonly ILogger _logger = loggers.CreateLogger(AgentLog.Category);

    /// <summary>Called once for each registration, when it takes no new connections any more.</summary>
    public event Action<AgentRegistration>? Leaving;

    /// <summary>Tells other gateways that an agent leaves. Completes when none of them has a request to the agent under way.</summary>
    public Func<AgentRegistration, Task>? TellPeers { get; set; }

    public ICollection<AgentRegistration> All => _registrations.Values;

    public int Count => _registrations.Count;

    /// <summary>Whether this gateway is stopping and registers no agents.</summary>
    public bool IsStopping { get; private set; }

    public AgentRegistration? Find(string id) => _registrations.GetValueOrDefault(id);

    /// <summary>Adds a registration. An earlier registration of the same instance on another session is dead, even if its connection looks alive, so it ends at once with its session.</summary>
    /// <returns>Null, or the limit that is reached, or "draining" while this gateway stops.</returns>
    public string? TryAdd(AgentRegistration registration)
    {
        AgentRegistration? replaced;
        lock (_lock)
        {
            if (IsStopping)
            {
                return AgentProtocol.Draining;
            }

            (AgentIdentity, string, string) key = (registration.Identity, registration.Agent, registration.Instance);
            _instances.TryGetValue(key, out replaced);
            if (replaced is null && _registrations.Count >= settings.Current.Agents.Options.MaxAgents)
            {
                return nameof(MtaTlsAgentsOptions.MaxAgents);
            }

            _instances[key] = registration;
            _registrations[registration.Id] = registration;
            foreach (AgentName name in registration.Names)
            {
                _names[name] = _names.GetValueOrDefault(name) + 1;
            }
        }

        metrics.Registered(1);
        try
        {
            if (replaced is not null && replaced.Session != registration.Session)
            {
                _logger.AgentReplaced(replaced.Agent, replaced.Id, registration.Id);
                End(replaced, "replaced");
                replaced.Abort("The agent has registered again on another session.");
            }
            else if (replaced is not null)
            {
                End(replaced, "replaced");
            }

            foreach (AgentMember member in registration.Members)
            {
                directory.Add(member);
            }
        }
        catch
        {
            End(registration, "the directory did not take it");
            // Again, because it may have ended before its first names were added.
            Withdraw(registration);
            throw;
        }

        registration.IsAnnounced = true;
        if (registration.IsDraining)
        {
            // It has ended meanwhile, and was removed before it was added.
            Withdraw(registration);
        }

        return null;
    }

    /// <summary>How many registrations a name has.</summary>
    public int CountOf(AgentName name)
    {
        lock (_lock)
        {
            return _names.GetValueOrDefault(name);
        }
    }

    /// <summary>Whether the same instance has a registration that a new one will replace.</summary>
    public bool Replaces(AgentIdentity identity, string agent, string instance, AgentName name)
    {
        lock (_lock)
        {
            return _instances.TryGetValue((identity, agent, instance), out AgentRegistration? registration) && registration.Names.Contains(name);
        }
    }

    /// <summary>Stops new requests to the agent. Completes when the requests under way have been answered, or after two seconds.</summary>
    public async Task DrainAsync(AgentRegistration registration, TimeProvider time)
    {
        bool isNews = registration.BeginDrain(out Task sent);
        if (isNews)
        {
            _logger.AgentDraining(registration.Agent, registration.Id);
            Leave(registration);
        }

        // After two seconds a request without an answer has certainly reached the agent.
        await Task.WhenAll(sent.WaitAsync(TimeSpan.FromSeconds(2), time), TellPeers?.Invoke(registration) ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends a registration.</summary>
    public void End(AgentRegistration registration, string reason)
    {
        bool wasDraining = !registration.BeginDrain(out _);
        if (!registration.End())
        {
            return;
        }

        lock (_lock)
        {
            _registrations.TryRemove(registration.Id, out _);
            (AgentIdentity, string, string) key = (registration.Identity, registration.Agent, registration.Instance);
            if (_instances.TryGetValue(key, out AgentRegistration? current) && current == registration)
            {
                _instances.Remove(key);
            }

            foreach (AgentName name in registration.Names)
            {
                int left = _names.GetValueOrDefault(name) - 1;
                if (left > 0)
                {
                    _names[name] = left;
                }
                else
                {
                    _names.Remove(name);
                }
            }
        }

        metrics.Registered(-1);
        _logger.AgentEnded(registration.Agent, registration.Id, reason, registration.TotalChannels);
        if (!wasDraining)
        {
            Leave(registration);
        }
    }

    /// <summary>Registers no more agents, and asks every agent to register with another gateway.</summary>
    public void Stop(TimeSpan deadline)
    {
        lock (_lock)
        {
            IsStopping = true;
        }

        foreach (AgentRegistration registration in _registrations.Values)
        {
            registration.RequestDrain(deadline);
        }
    }

    public async ValueTask<MtaTlsAgentChannel> OpenAsync(AgentMember member, ChannelAddress source, CancellationToken cancellationToken = default)
    {
        if (Find(member.Id) is not { } registration || !AgentProtocol.TryParseName(member.Name, out AgentName name))
        {
            throw new AgentUnavailableException($"Agent {member.Agent} ({member.Id}) is not registered with this gateway.");
        }

        MtaTlsAgentsOptions options = settings.Current.Agents.Options;
        try
        {
            MtaTlsChannel channel = await registration.OpenAsync(name, source, new AgentLimits(options.MaxChannelsPerAgent, options.OpenTimeout), cancellationToken);
            metrics.Opened(null);
            return new MtaTlsAgentChannel(channel);
        }
        catch (AgentUnavailableException e)
        {
            bool isLimit = e.Data.Contains("limit");
            metrics.Opened(isLimit ? "limit" : "unavailable");
            _logger.OpenFailed(member.Name, e.Message);
            throw;
        }
    }

    private void Leave(AgentRegistration registration)
    {
        Leaving?.Invoke(registration);
        Withdraw(registration);
    }

    private void Withdraw(AgentRegistration registration)
    {
        foreach (AgentMember member in registration.Members)
        {
            directory.Remove(member);
        }
    }
}
