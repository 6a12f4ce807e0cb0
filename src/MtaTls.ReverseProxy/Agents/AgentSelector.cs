using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using MtaTls.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Finds an agent for a name, or waits until there is one.</summary>
internal sealed class AgentSelector
{
    /// <summary>The most agents that one request or channel tries in a row. Then it waits.</summary>
    public const int MaxTried = 8;

    /// <summary>After this time the same agents are tried again: an agent that failed to open a channel for a moment may be the only one.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1);

    /// <summary>How long a name counts as known after its last agent has gone.</summary>
    private static readonly TimeSpan s_remembered = TimeSpan.FromMinutes(5);

    private readonly AgentMembers _members;
    private readonly AgentRegistry _registry;
    private readonly RemoteAgents? _remote;
    private readonly ReverseProxySettings _settings;
    private readonly AgentMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, Waiters> _waiters = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _gone = new(StringComparer.Ordinal);

    public AgentSelector(AgentMembers members, AgentRegistry registry, IEnumerable<Peers> peers, ReverseProxySettings settings, AgentMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        _members = members;
        _registry = registry;
        _settings = settings;
        _metrics = metrics;
        _time = time;
        _logger = loggers.CreateLogger(AgentLog.Category);
        _remote = peers.FirstOrDefault()?.Agents;
        members.Changed += OnChanged;
    }

    /// <summary>Loads the agents of a name from the directory, if they are not known yet.</summary>
    /// <returns>Whether all agents of the name are known; false: the directory can't be asked now.</returns>
    public ValueTask<bool> LoadAsync(AgentName name, CancellationToken cancellationToken) => _members.LoadAsync(name.ToString(), cancellationToken: cancellationToken);

    /// <summary>Whether any agent has the name, also with a gateway that can't be reached, or had it in the last five minutes.</summary>
    public bool IsKnown(AgentName name)
    {
        string text = name.ToString();
        return _members.IsKnown(text) || (_gone.TryGetValue(text, out long since) && _time.GetElapsedTime(since) < s_remembered);
    }

    /// <summary>The agent with the registration, if it takes requests.</summary>
    public AgentMember? Find(AgentName name, string registration)
    {
        foreach (AgentMember member in _members.Find(name.ToString()))
        {
            if (member.Id == registration)
            {
                return member;
            }
        }

        return null;
    }

    /// <summary>Picks the less loaded of two random agents, without those in <paramref name="tried"/>. Null: there is no other agent, or <see cref="MaxTried"/> agents were tried.</summary>
    public AgentMember? Pick(AgentName name, HashSet<string> tried)
    {
        if (tried.Count >= MaxTried)
        {
            return null;
        }

        IReadOnlyList<AgentMember> members = _members.Find(name.ToString(), tried);
        if (members.Count < 2)
        {
            return members.Count == 0 ? null : members[0];
        }

        int first = RandomNumberGenerator.GetInt32(members.Count), second = RandomNumberGenerator.GetInt32(members.Count - 1);
        second += second >= first ? 1 : 0;
        return Load(members[first]) <= Load(members[second]) ? members[first] : members[second];
    }

    /// <summary>Waits until the name has an agent that is not in <paramref name="tried"/>. After a second it clears <paramref name="tried"/>, so that these agents are tried again.</summary>
    /// <returns>Whether the caller should try again; false: too many requests wait, or the time is over.</returns>
    public async ValueTask<bool> WaitAsync(AgentName name, HashSet<string> tried, TimeSpan timeout, CancellationToken cancellationToken)
    {
        string text = name.ToString();
        Waiters waiters = _waiters.GetOrAdd(text, static _ => new Waiters());
        int limit = _settings.Current.Agents.Options.MaxWaiting;
        Task? changed = waiters.TryEnter(limit);
        if (changed is null)
        {
            _logger.TooManyWaiting(text, limit);
            _metrics.Unserved("max_waiting");
            return false;
        }

        TimeSpan pause = tried.Count > 0 && timeout > s_again ? s_again : timeout;
        _metrics.Waiting(1);
        try
        {
            // An agent may have registered since the caller looked.
            if (Pick(name, tried) is not null)
            {
                return true;
            }

            if (timeout > TimeSpan.Zero)
            {
                await changed.WaitAsync(pause, _time, cancellationToken);
                return true;
            }
        }
        catch (TimeoutException) when (pause < timeout)
        {
            tried.Clear();
            return true;
        }
        catch (TimeoutException)
        {
            // Logged below.
        }
        finally
        {
            _metrics.Waiting(-1);
            waiters.Leave();
            if (waiters.IsEmpty)
            {
                _waiters.TryRemove(new KeyValuePair<string, Waiters>(text, waiters));
            }
        }

        _logger.NoAgent(text, _settings.Current.Agents.Options.WaitForAgent);
        _metrics.Unserved("no_agent");
        return false;
    }

    private double Load(AgentMember member) => _registry.Find(member.Id)?.Load ?? (double)(_remote?.Sending(member) ?? 1) / member.Weight;

    private void OnChanged(string? name)
    {
        if (name is null)
        {
            foreach (Waiters waiting in _waiters.Values)
            {
                waiting.Wake();
            }

            return;
        }

        if (_members.Find(name).Count > 0)
        {
            _gone.TryRemove(name, out _);
            if (_waiters.TryGetValue(name, out Waiters? waiters))
            {
                waiters.Wake();
            }

            return;
        }

        // A wildcard rule allows any number of names, so expired ones are removed before the limit is reached.
        if (_gone.Count >= 10_000)
        {
            foreach ((string old, long since) in _gone)
            {
                if (_time.GetElapsedTime(since) >= s_remembered)
                {
                    _gone.TryRemove(old, out _);
                }
            }
        }

        if (_gone.Count < 10_000)
        {
            _gone[name] = _time.GetTimestamp();
        }
    }

    /// <summary>The requests that wait for one name.</summary>
    private sealed class Waiters
    {
        private readonly Lock _lock = new();

        // Guarded by _lock.
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public bool IsEmpty
        {
            get
            {
                lock (_lock)
                {
                    return _count == 0;
                }
            }
        }

        public Task? TryEnter(int limit)
        {
            lock (_lock)
            {
                if (_count >= limit)
                {
                    return null;
                }

                _count++;
                return _changed.Task;
            }
        }

        public void Leave()
        {
            lock (_lock)
            {
                _count--;
            }
        }

        public void Wake()
        {
            lock (_lock)
            {
                _changed.TrySetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }
}
