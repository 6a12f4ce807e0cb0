namespace MtaTls.ReverseProxy.Agents;

/// <summary>What bounds an open.</summary>
internal readonly record struct AgentLimits(int MaxChannels, TimeSpan OpenTimeout);
