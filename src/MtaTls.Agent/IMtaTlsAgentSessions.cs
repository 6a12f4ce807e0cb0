using Microsoft.Extensions.Primitives;

namespace MtaTls.Agent;

/// <summary>Lists the agent's sessions with its gateways. <c>UseMtaTlsAgent()</c> registers it as a service.</summary>
public interface IMtaTlsAgentSessions
{
    /// <summary>A snapshot of the sessions.</summary>
    /// <returns><see cref="MtaTlsAgentOptions.Sessions"/> entries, also for sessions that are still connecting. Empty before the app has started.</returns>
    IReadOnlyList<MtaTlsAgentSessionInfo> List();

    /// <summary>A token that changes when a session registers, is lost, or could not be established.</summary>
    /// <returns>The token. It changes once.</returns>
    IChangeToken GetChangeToken();
}
