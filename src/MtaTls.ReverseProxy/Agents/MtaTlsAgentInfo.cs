namespace MtaTls.ReverseProxy.Agents;

/// <summary>One session of an agent.</summary>
/// <param name="Id">The registration's id.</param>
/// <param name="Agent">The agent's own name.</param>
/// <param name="Identity">What it has proved: the issuer and subject of its certificate, or its user.</param>
/// <param name="SessionId">The session's id in logs.</param>
/// <param name="Names">The names that were granted.</param>
/// <param name="Weight">Its share of new requests.</param>
/// <param name="Since">When it registered.</param>
/// <param name="ActiveChannels">Channels that are open to it.</param>
/// <param name="TotalChannels">Channels opened to it so far.</param>
/// <param name="IsDraining">Whether it gets no new requests.</param>
/// <param name="Node">The gateway that it is registered with.</param>
/// <param name="IsResponding">Whether it answers: false while a ping has waited for its answer for a second, and nothing else has come.</param>
public sealed record MtaTlsAgentInfo(
    string Id, string Agent, string Identity, string SessionId, IReadOnlyList<string> Names, int Weight, DateTimeOffset Since, int ActiveChannels, long TotalChannels, bool IsDraining,
    string Node, bool IsResponding);
