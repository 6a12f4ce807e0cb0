namespace MtaTls.ReverseProxy.Agents;

/// <summary>The agents that are registered with this gateway: a service of applications with <c>AddMtaTlsAgents()</c>.</summary>
public interface IMtaTlsAgents
{
    /// <summary>The registrations now.</summary>
    IReadOnlyList<MtaTlsAgentInfo> List();

    /// <summary>Sends no new requests to an agent and asks it to register elsewhere. Requests that it serves go on.</summary>
    /// <param name="id">The registration's id.</param>
    /// <param name="deadline">How long the agent has.</param>
    /// <returns>Whether there is such a registration.</returns>
    ValueTask<bool> DrainAsync(string id, TimeSpan deadline);

    /// <summary>Ends an agent's session at once. Requests that it serves fail; the agent may connect again.</summary>
    /// <param name="id">The registration's id.</param>
    /// <returns>Whether there was such a registration.</returns>
    bool End(string id);
}
