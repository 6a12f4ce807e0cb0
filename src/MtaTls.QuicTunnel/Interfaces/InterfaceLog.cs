using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Log messages of packet interfaces.</summary>
internal static partial class InterfaceLog
{
    [LoggerMessage(40, LogLevel.Information, "The device {Name} is open with the addresses {Addresses} and MTU {Mtu}.", EventName = "InterfaceUp")]
    public static partial void InterfaceUp(this ILogger logger, string name, string addresses, int mtu);

    [LoggerMessage(41, LogLevel.Warning, "The process may not set the route {Route} into the device {Name}. Set it yourself, or run with CAP_NET_ADMIN.", EventName = "RouteNotSet")]
    public static partial void RouteNotSet(this ILogger logger, string name, string route);

    [LoggerMessage(42, LogLevel.Error, "The device {Name} does not work: {Reason}", EventName = "InterfaceFailed")]
    public static partial void InterfaceFailed(this ILogger logger, string name, string reason);

    [LoggerMessage(44, LogLevel.Information, "The device {Name} works again.", EventName = "InterfaceBack")]
    public static partial void InterfaceBack(this ILogger logger, string name);

    [LoggerMessage(45, LogLevel.Warning, "IPv6 is disabled on this host, so the device {Name} works without {What}. Set net.ipv6.conf.all.disable_ipv6=0 to use it.", EventName = "IPv6Disabled")]
    public static partial void IPv6Disabled(this ILogger logger, string name, string what);

    [LoggerMessage(54, LogLevel.Information, "The {Hook} hook {Program} ended successfully.", EventName = "HookRan")]
    public static partial void HookRan(this ILogger logger, string hook, string program);

    [LoggerMessage(55, LogLevel.Error, "The {Hook} hook {Program} failed: {Reason}", EventName = "HookFailed")]
    public static partial void HookFailed(this ILogger logger, string hook, string program, string reason);

    [LoggerMessage(43, LogLevel.Error, "A packet from the device {Name} was dropped because of an unexpected exception.", EventName = "PacketFailed")]
    public static partial void PacketFailed(this ILogger logger, Exception exception, string name);
}
