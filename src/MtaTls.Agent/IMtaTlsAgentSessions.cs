using Microsoft.Extensions.Primitives;

namespace MtaTls.Agent;

/// <summary>The agent's sessions with its gateways: a service of applications with <c>UseMtaTlsAgent()</c>.</summary>
public interface IMtaTlsAgentSessions
{
    /// <summary>The sessions now, as a snapshot.</summary>
    /// <returns>As many as <see cref="MtaTlsAgentOptions.Sessions"/>; none before the app has started.</returns>
    IReadOnlyList<MtaTlsAgentSessionInfo> List();

    /// <summary>A token that changes when a session registers, is lost or could not be made.</summary>
    IChangeToken GetChangeToken();
}
