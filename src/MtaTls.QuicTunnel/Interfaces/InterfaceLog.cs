using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>What packet interfaces log.</summary>
internal static partial class InterfaceLog
{
    [LoggerMessage(40, LogLevel.Information, "The device {Name} is up with {Addresses}, MTU {Mtu}.", EventName = "InterfaceUp")]
    public static partial void InterfaceUp(this ILogger logger, string name, string addresses, int mtu);

    [LoggerMessage(41, LogLevel.Warning, "No right to route {Route} into {Name}: taken to be done by the administrator.", EventName = "RouteNotSet")]
    public static partial void RouteNotSet(this ILogger logger, string name, string route);

    [LoggerMessage(42, LogLevel.Error, "The device {Name} failed: {Reason}.", EventName = "InterfaceFailed")]
    public static partial void InterfaceFailed(this ILogger logger, string name, string reason);

    [LoggerMessage(44, LogLevel.Information, "The device {Name} works again.", EventName = "InterfaceBack")]
    public static partial void InterfaceBack(this ILogger logger, string name);

    [LoggerMessage(45, LogLevel.Warning, "IPv6 is disabled on this host: {Name} works without {What}.", EventName = "IPv6Disabled")]
    public static partial void IPv6Disabled(this ILogger logger, string name, string what);

    [LoggerMessage(50, LogLevel.Information, "The {Hook} hook {Program} has run.", EventName = "HookRan")]
    public static partial void HookRan(this ILogger logger, string hook, string program);

    [LoggerMessage(51, LogLevel.Error, "The {Hook} hook {Program} failed: {Reason}", EventName = "HookFailed")]
    public static partial void HookFailed(this ILogger logger, string hook, string program, string reason);

    [LoggerMessage(43, LogLevel.Error, "A packet from {Name} could not be handled.", EventName = "PacketFailed")]
    public static partial void PacketFailed(this ILogger logger, Exception exception, string name);
}
