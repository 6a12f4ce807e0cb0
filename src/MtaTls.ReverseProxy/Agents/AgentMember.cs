namespace MtaTls.ReverseProxy.Agents;

/// <summary>One agent that serves one name.</summary>
/// <param name="Name">The name: <c>plant7.internal</c> for port 80, or with another port <c>ssh.plant7.internal:22</c>.</param>
/// <param name="Node">The gateway that the agent is connected to, see <see cref="MtaTlsAgentsOptions.Node"/>.</param>
/// <param name="Id">The registration's id, unique over all gateways.</param>
/// <param name="Agent">The agent's own name, for logs and lists.</param>
/// <param name="Weight">The agent's share of new requests, 1 to 16: an agent with weight 2 gets twice as many as one with weight 1.</param>
public sealed record AgentMember(string Name, string Node, string Id, string Agent, int Weight);
