using System.Collections.Concurrent;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Keeps the agents of this gateway in memory.</summary>
internal sealed class InMemoryAgentDirectory : IAgentDirectory
{
    private readonly ConcurrentDictionary<string, AgentMember[]> _names = new(StringComparer.Ordinal);

    public event Action<string>? Changed;

    public void Add(AgentMember member)
    {
        _names.AddOrUpdate(member.Name, static (_, added) => [added], static (_, members, added) => [.. members, added], member);
        Changed?.Invoke(member.Name);
    }

    public void Remove(AgentMember member)
    {
        while (_names.TryGetValue(member.Name, out AgentMember[]? members))
        {
            AgentMember[] left = [.. members.Where(m => m != member)];
            if (left.Length == members.Length)
            {
                return;
            }

            bool isDone = left.Length == 0
                ? _names.TryRemove(new KeyValuePair<string, AgentMember[]>(member.Name, members))
                : _names.TryUpdate(member.Name, left, members);
            if (isDone)
            {
                Changed?.Invoke(member.Name);
                return;
            }
        }
    }

    public IReadOnlyList<AgentMember> Find(string name) => _names.TryGetValue(name, out AgentMember[]? members) ? members : [];
}
