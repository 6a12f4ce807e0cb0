namespace MtaTls.ReverseProxy.Agents;

/// <summary>No channel was opened to an agent, so nothing was sent: another agent may be asked, whatever the request.</summary>
internal sealed class AgentUnavailableException(string message, Exception? inner = null) : IOException(message, inner);
