namespace MtaTls.ReverseProxy.Agents;

/// <summary>Lists and controls the agents that are registered with this gateway. <c>AddMtaTlsAgents()</c> registers it as a service.</summary>
public interface IMtaTlsAgents
{
    /// <summary>The registrations of this moment, in no particular order.</summary>
    /// <returns>One entry for each session of an agent.</returns>
    IReadOnlyList<MtaTlsAgentInfo> List();

    /// <summary>Sends no new requests to an agent and asks it to register with another gateway. Requests that it serves continue.</summary>
    /// <param name="id">The registration's id.</param>
    /// <param name="deadline">How long the agent has for it. Zero or more.</param>
    /// <returns>Whether there is such a registration.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="deadline"/> is negative.</exception>
    ValueTask<bool> DrainAsync(string id, TimeSpan deadline);

    /// <summary>Ends an agent's session at once. Requests that it serves fail. The agent may connect again.</summary>
    /// <param name="id">The registration's id.</param>
    /// <returns>Whether there was such a registration.</returns>
    bool End(string id);
}
