using Microsoft.Extensions.Primitives;

namespace MtaTls.Agent.Links;

/// <summary>Gives applications access to the agent's sessions.</summary>
internal sealed class AgentSessions(AgentRuntime runtime) : IMtaTlsAgentSessions
{
    public IReadOnlyList<MtaTlsAgentSessionInfo> List() => [.. runtime.Slots.Select(static slot => slot.GetInfo())];

    public IChangeToken GetChangeToken() => runtime.GetChangeToken();
}
