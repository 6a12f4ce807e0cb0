using MtaTls.ReverseProxy.Agents;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>Counts the requests under way to agents of other gateways. When an agent leaves, its gateway waits until there are none.</summary>
internal sealed class RemoteAgents(TimeProvider time)
{
    /// <summary>How long an agent that has left is remembered: the directory may still list it for a moment.</summary>
    private static readonly TimeSpan s_remembered = TimeSpan.FromMinutes(1);

    /// <summary>After this time a request without an answer has certainly reached the agent.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(2);

    /// <summary>The most agents that have left and are remembered: a gateway may say so of any number.</summary>
    internal const int MaxLeft = 10_000;

    private readonly Lock _lock = new();

    // Guarded by _lock: agents with requests on their way, and those that have left a short while ago, oldest first.
    private readonly Dictionary<(string Node, string Id), Gate> _gates = [];
    private readonly HashSet<(string Node, string Id)> _left = [];
    private readonly Queue<((string Node, string Id) Agent, long At)> _order = new();

    /// <summary>The gate of an agent.</summary>
    public ISendGate Of(AgentMember member) => new Passage(this, member);

    /// <summary>How many agents that have left are remembered.</summary>
    internal int Left
    {
        get
        {
            lock (_lock)
            {
                return _left.Count;
            }
        }
    }

    /// <summary>How many requests to an agent are under way.</summary>
    public int Sending(AgentMember member)
    {
        lock (_lock)
        {
            return _gates.TryGetValue((member.Node, member.Id), out Gate? gate) ? gate.Sending : 0;
        }
    }

    /// <summary>Stops new requests to an agent that leaves.</summary>
    /// <param name="node">The gateway that announces it. Only the agent's own gateway may.</param>
    /// <param name="registration">The id of the agent's registration.</param>
    /// <param name="members">The agent's directory entries that requests under way used.</param>
    /// <returns>Completes when these requests have been answered. Throws <see cref="TimeoutException"/> after two seconds.</returns>
    public Task LeaveAsync(string node, string registration, out IReadOnlyList<AgentMember> members)
    {
        Task sent = Task.CompletedTask;
        lock (_lock)
        {
            Remember((node, registration));
            members = [];
            if (_gates.TryGetValue((node, registration), out Gate? gate))
            {
                members = [.. gate.Members];
                sent = (gate.Sent ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }

        return sent.WaitAsync(s_longest, time);
    }

    private bool TryBegin(AgentMember member)
    {
        (string, string) key = (member.Node, member.Id);
        lock (_lock)
        {
            if (_left.Contains(key))
            {
                return false;
            }

            if (!_gates.TryGetValue(key, out Gate? gate))
            {
                _gates.Add(key, gate = new Gate());
            }

            gate.Sending++;
            gate.Members.Add(member);
            return true;
        }
    }

    private void End(AgentMember member)
    {
        (string, string) key = (member.Node, member.Id);
        lock (_lock)
        {
            if (_gates.TryGetValue(key, out Gate? gate) && --gate.Sending == 0)
            {
                _gates.Remove(key);
                gate.Sent?.TrySetResult();
            }
        }
    }

    // Under the lock.
    private void Remember((string Node, string Id) left)
    {
        long now = time.GetTimestamp();
        while (_order.TryPeek(out ((string, string) Agent, long At) oldest) && (_order.Count >= MaxLeft || time.GetElapsedTime(oldest.At, now) > s_remembered))
        {
            _order.Dequeue();
            _left.Remove(oldest.Agent);
        }

        if (_left.Add(left))
        {
            _order.Enqueue((left, now));
        }
    }

    private sealed class Gate
    {
        public int Sending { get; set; }

        public HashSet<AgentMember> Members { get; } = [];

        public TaskCompletionSource? Sent { get; set; }
    }

    private sealed class Passage(RemoteAgents agents, AgentMember member) : ISendGate
    {
        public bool TryBeginSending() => agents.TryBegin(member);

        public void EndSending() => agents.End(member);
    }
}
