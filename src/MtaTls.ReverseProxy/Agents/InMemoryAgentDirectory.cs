using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>The agents of this gateway.</summary>
internal sealed class InMemoryAgentDirectory : IAgentDirectory
{
    private readonly ConcurrentDictionary<string, ImmutableArray<AgentMember>> _names = new(StringComparer.Ordinal);

    public event Action<string>? Changed;

    public void Add(AgentMember member)
    {
        _names.AddOrUpdate(member.Name, static (_, added) => [added], static (_, members, added) => members.Add(added), member);
        Changed?.Invoke(member.Name);
    }

    public void Remove(AgentMember member)
    {
        while (_names.TryGetValue(member.Name, out ImmutableArray<AgentMember> members))
        {
            ImmutableArray<AgentMember> left = members.Remove(member);
            if (left.Length == members.Length)
            {
                return;
            }

            bool isDone = left.IsEmpty
                ? _names.TryRemove(new KeyValuePair<string, ImmutableArray<AgentMember>>(member.Name, members))
                : _names.TryUpdate(member.Name, left, members);
            if (isDone)
            {
                Changed?.Invoke(member.Name);
                return;
            }
        }
    }

    public IReadOnlyList<AgentMember> Find(string name) => _names.TryGetValue(name, out ImmutableArray<AgentMember> members) ? members : ImmutableArray<AgentMember>.Empty;
}
