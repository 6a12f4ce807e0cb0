using MtaTls.ReverseProxy.Agents;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>The requests on their way to agents of other gateways. A gateway whose agent leaves asks here whether nothing more will come.</summary>
internal sealed class RemoteAgents(TimeProvider time)
{
    /// <summary>An agent that has left may still stand in the directory for a moment, not for longer.</summary>
    private static readonly TimeSpan s_remembered = TimeSpan.FromMinutes(1);

    /// <summary>A request that waits longer for its answer has long been sent.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Gate> _gates = new(StringComparer.Ordinal);

    /// <summary>The gate of an agent.</summary>
    public ISendGate Of(AgentMember member) => new Passage(this, member);

    /// <summary>How many requests are on their way to an agent.</summary>
    public int Sending(string registration)
    {
        lock (_lock)
        {
            return _gates.TryGetValue(registration, out Gate? gate) ? gate.Sending : 0;
        }
    }

    /// <summary>The agent leaves: nothing is sent to it from now on.</summary>
    /// <param name="registration">Its registration.</param>
    /// <param name="members">What requests were on their way to.</param>
    /// <returns>Ends when those have arrived.</returns>
    public Task LeaveAsync(string registration, out IReadOnlyList<AgentMember> members)
    {
        Task sent;
        lock (_lock)
        {
            Forget();
            Gate gate = Get(registration);
            gate.LeftAt ??= time.GetTimestamp();
            members = [.. gate.Members];
            sent = gate.Sending == 0 ? Task.CompletedTask : (gate.Sent ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        return sent.WaitAsync(s_longest, time);
    }

    private bool TryBegin(AgentMember member)
    {
        lock (_lock)
        {
            Gate gate = Get(member.Id);
            if (gate.LeftAt is not null)
            {
                return false;
            }

            gate.Sending++;
            gate.Members.Add(member);
            return true;
        }
    }

    private void End(AgentMember member)
    {
        lock (_lock)
        {
            if (!_gates.TryGetValue(member.Id, out Gate? gate) || --gate.Sending > 0)
            {
                return;
            }

            gate.Sent?.TrySetResult();
            if (gate.LeftAt is null)
            {
                _gates.Remove(member.Id);
            }
        }
    }

    // Under the lock.
    private Gate Get(string registration)
    {
        if (!_gates.TryGetValue(registration, out Gate? gate))
        {
            _gates.Add(registration, gate = new Gate());
        }

        return gate;
    }

    // Under the lock.
    private void Forget()
    {
        foreach ((string id, Gate gate) in _gates)
        {
            if (gate.LeftAt is { } left && gate.Sending == 0 && time.GetElapsedTime(left) > s_remembered)
            {
                _gates.Remove(id);
            }
        }
    }

    private sealed class Gate
    {
        public int Sending { get; set; }

        public HashSet<AgentMember> Members { get; } = [];

        public long? LeftAt { get; set; }

        public TaskCompletionSource? Sent { get; set; }
    }

    private sealed class Passage(RemoteAgents agents, AgentMember member) : ISendGate
    {
        public bool TryBeginSending() => agents.TryBegin(member);

        public void EndSending() => agents.End(member);
    }
}
