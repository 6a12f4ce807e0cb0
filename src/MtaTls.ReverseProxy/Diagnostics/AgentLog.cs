using Microsoft.Extensions.Logging;

namespace MtaTls.ReverseProxy.Diagnostics;

internal static partial class AgentLog
{
    public const string Category = "MtaTls.Agents";

    [LoggerMessage(1, LogLevel.Information, "Agent {Agent} ({Id}) of {Identity} serves {Names} on session {SessionId}.", EventName = "AgentRegistered")]
    public static partial void AgentRegistered(this ILogger logger, string agent, string id, string identity, string names, string sessionId);

    [LoggerMessage(2, LogLevel.Information, "The registration of agent {Agent} ({Id}) has ended: {Reason}. It served {Channels} channels.", EventName = "AgentEnded")]
    public static partial void AgentEnded(this ILogger logger, string agent, string id, string reason, long channels);

    [LoggerMessage(3, LogLevel.Information, "Agent {Agent} ({Id}) is draining and takes no new connections.", EventName = "AgentDraining")]
    public static partial void AgentDraining(this ILogger logger, string agent, string id);

    [LoggerMessage(4, LogLevel.Warning, "Agent {Agent} of {Identity} was refused the name '{Name}': {Reason} (MtaTls:Agents:Rules).", EventName = "NameRefused")]
    public static partial void NameRefused(this ILogger logger, string agent, string identity, string name, string reason);

    [LoggerMessage(5, LogLevel.Warning, "A registration of {Identity} was refused: {Reason}.", EventName = "RegistrationRefused")]
    public static partial void RegistrationRefused(this ILogger logger, string identity, string reason);

    [LoggerMessage(6, LogLevel.Warning, "Agent {Agent} ({Id}) has registered again as {NewId}. The gateway ends its former session.", EventName = "AgentReplaced")]
    public static partial void AgentReplaced(this ILogger logger, string agent, string id, string newId);

    [LoggerMessage(7, LogLevel.Warning, "A channel to an agent for '{Name}' could not be opened: {Reason}", EventName = "OpenFailed")]
    public static partial void OpenFailed(this ILogger logger, string name, string reason);

    [LoggerMessage(8, LogLevel.Warning, "Agent {Agent} ({Id}) has not answered a ping within {Seconds:0} s. The gateway ends its session.", EventName = "AgentSilent")]
    public static partial void AgentSilent(this ILogger logger, string agent, string id, double seconds);

    [LoggerMessage(9, LogLevel.Warning, "A request for '{Name}' was answered 503: no agent was available within {Wait} (MtaTls:Agents:WaitForAgent).", EventName = "NoAgent")]
    public static partial void NoAgent(this ILogger logger, string name, TimeSpan wait);

    [LoggerMessage(10, LogLevel.Warning, "A request for '{Name}' was answered 503: {Limit} requests already wait for an agent (MtaTls:Agents:MaxWaiting).", EventName = "TooManyWaiting")]
    public static partial void TooManyWaiting(this ILogger logger, string name, int limit);

    [LoggerMessage(11, LogLevel.Information, "A request for '{Name}' is sent to another agent: {Reason}", EventName = "AnotherAgent")]
    public static partial void AnotherAgent(this ILogger logger, string name, string reason);

    [LoggerMessage(12, LogLevel.Information, "The gateway is stopping: {Count} agents are asked to register with other gateways within {Seconds:0} s.", EventName = "AgentsLeaving")]
    public static partial void AgentsLeaving(this ILogger logger, int count, double seconds);

    [LoggerMessage(13, LogLevel.Information, "A channel from {Source} to '{Name}' goes to agent {Agent}.", EventName = "ChannelToAgent")]
    public static partial void ChannelToAgent(this ILogger logger, MtaTls.Protocol.ChannelAddress source, string name, string agent);

    [LoggerMessage(14, LogLevel.Error, "Forwarding a channel to '{Name}' failed.", EventName = "SpliceFailed")]
    public static partial void SpliceFailed(this ILogger logger, string name, Exception exception);
}
