namespace MtaTls.ReverseProxy.Agents;

/// <summary>The limits for opening a channel to an agent.</summary>
internal readonly record struct AgentLimits(int MaxChannels, TimeSpan OpenTimeout);
