namespace MtaTls.ReverseProxy.Agents;

/// <summary>One agent that serves one name.</summary>
/// <param name="Name">The name: <c>plant7.internal</c>, or <c>ssh.plant7.internal:22</c> for another port than 80.</param>
/// <param name="Node">The gateway that the agent is connected to, see <see cref="MtaTlsAgentsOptions.Node"/>.</param>
/// <param name="Id">The registration's id, unique over all gateways.</param>
/// <param name="Agent">The agent's own name, for people.</param>
/// <param name="Weight">The agent's share of new requests, 1 to 16.</param>
public sealed record AgentMember(string Name, string Node, string Id, string Agent, int Weight);
