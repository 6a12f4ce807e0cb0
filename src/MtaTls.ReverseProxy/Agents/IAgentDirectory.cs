namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// Finds the agents that serve a name. The default keeps the agents of this gateway in memory. For several gateways, register an implementation that they share, together with an
/// <see cref="IAgentConnector"/> that reaches agents of other gateways. Its results may be out of date: opening a channel to an agent that is gone fails, and another agent is tried.
/// </summary>
public interface IAgentDirectory
{
    /// <summary>Called with the name when its members have changed. Handlers must neither block nor throw.</summary>
    event Action<string>? Changed;

    /// <summary>Adds an agent of this gateway.</summary>
    /// <param name="member">The agent.</param>
    void Add(AgentMember member);

    /// <summary>Removes an agent of this gateway, which has gone or takes no new connections.</summary>
    /// <param name="member">The agent, as it was added.</param>
    void Remove(AgentMember member);

    /// <summary>The agents that serve a name now. Called for each request: it must not block.</summary>
    /// <param name="name">The name, in lower case, with its port if that is not 80.</param>
    /// <returns>The agents; empty if there are none.</returns>
    IReadOnlyList<AgentMember> Find(string name);

    /// <summary>Loads the agents of a name, so that <see cref="Find"/> returns all of them. A directory that several gateways share may have to ask its server. The default does nothing.</summary>
    /// <param name="name">The name, as for <see cref="Find"/>.</param>
    /// <param name="isKept">Whether the name is in the configuration: <see cref="Changed"/> is then called for it as long as the gateway runs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether all agents are loaded; false: they can't be loaded now. Only a cancellation throws.</returns>
    ValueTask<bool> LoadAsync(string name, bool isKept = false, CancellationToken cancellationToken = default) => new(true);

    /// <summary>Removes an agent that its own gateway no longer has. The default does nothing.</summary>
    /// <param name="member">The agent, as <see cref="Find"/> returned it.</param>
    void Forget(AgentMember member)
    {
    }
}
