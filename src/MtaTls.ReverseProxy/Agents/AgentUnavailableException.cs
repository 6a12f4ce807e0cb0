namespace MtaTls.ReverseProxy.Agents;

/// <summary>No channel to an agent was opened, so nothing was sent: any request may go to another agent.</summary>
internal sealed class AgentUnavailableException(string message, Exception? inner = null) : IOException(message, inner);
