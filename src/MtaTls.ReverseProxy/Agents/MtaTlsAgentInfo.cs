namespace MtaTls.ReverseProxy.Agents;

/// <summary>One registration: one session of an agent.</summary>
/// <param name="Id">The registration's id.</param>
/// <param name="Agent">The agent's own name.</param>
/// <param name="Identity">The proved identity: issuer and subject of the client certificate, or the authenticated user, or <c>anonymous</c>.</param>
/// <param name="SessionId">The session's id in logs.</param>
/// <param name="Names">The names that were granted.</param>
/// <param name="Weight">The agent's share of new requests, 1 to 16.</param>
/// <param name="Since">When the agent registered.</param>
/// <param name="ActiveChannels">Open channels to the agent, including those that are being opened.</param>
/// <param name="TotalChannels">All channels that were opened to the agent so far.</param>
/// <param name="IsDraining">Whether the agent gets no new requests.</param>
/// <param name="Node">The name of the gateway that the agent is registered with.</param>
/// <param name="IsResponding">False: a ping has had no answer for a second, and nothing else has arrived either.</param>
public sealed record MtaTlsAgentInfo(
    string Id, string Agent, string Identity, string SessionId, IReadOnlyList<string> Names, int Weight, DateTimeOffset Since, int ActiveChannels, long TotalChannels, bool IsDraining,
    string Node, bool IsResponding);
