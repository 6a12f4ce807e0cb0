namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// Knows which agents serve a name. The default keeps the agents of this gateway in memory. Several gateways share one of their own (register it in the services), together with an
/// <see cref="IAgentConnector"/> that reaches agents of other nodes. What it says may be out of date: an agent that is gone refuses, and another is tried.
/// </summary>
public interface IAgentDirectory
{
    /// <summary>Called with the name when its members have changed. Handlers must neither block nor throw.</summary>
    event Action<string>? Changed;

    /// <summary>Adds an agent of this gateway.</summary>
    /// <param name="member">The agent.</param>
    void Add(AgentMember member);

    /// <summary>Removes an agent of this gateway: it has gone or takes no new connections.</summary>
    /// <param name="member">The agent, as it was added.</param>
    void Remove(AgentMember member);

    /// <summary>The agents that serve a name now. Called for each connection: it must not wait.</summary>
    /// <param name="name">The name, in lower case, with its port if that is not 80.</param>
    /// <returns>The members; empty where there is none.</returns>
    IReadOnlyList<AgentMember> Find(string name);

    /// <summary>Makes what <see cref="Find"/> says of a name complete: a directory that several gateways share may have to ask for it.</summary>
    /// <param name="name">The name, as for <see cref="Find"/>.</param>
    /// <param name="isKept">Whether the name is one of the configuration: <see cref="Changed"/> is called for it as long as the gateway runs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it is complete; false: it can't be known now. It does not throw, except for the cancellation.</returns>
    ValueTask<bool> LoadAsync(string name, bool isKept = false, CancellationToken cancellationToken = default) => new(true);

    /// <summary>Forgets an agent of another gateway, which does not have it any more.</summary>
    /// <param name="member">The agent, as <see cref="Find"/> has given it.</param>
    void Forget(AgentMember member)
    {
    }
}
