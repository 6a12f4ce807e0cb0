using Microsoft.Extensions.Primitives;

namespace MtaTls.Agent.Links;

/// <summary>Shows the runtime's slots to the application.</summary>
internal sealed class AgentSessions(AgentRuntime runtime) : IMtaTlsAgentSessions
{
    public IReadOnlyList<MtaTlsAgentSessionInfo> List() => [.. runtime.Slots.Select(static slot => slot.GetInfo())];

    public IChangeToken GetChangeToken() => runtime.GetChangeToken();
}
