using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Redis.Diagnostics;

/// <summary>Log messages of the directory of sessions.</summary>
internal static partial class SessionDirectoryLog
{
    public const string Category = "MtaTls.QuicTunnel.Directory";

    [LoggerMessage(1, LogLevel.Information, "This concentrator is {Node} with epoch {Epoch}.", EventName = "TunnelLeaseAcquired")]
    public static partial void LeaseAcquired(this ILogger logger, string node, long epoch);

    [LoggerMessage(2, LogLevel.Warning, "The lease of concentrator {Node} with epoch {Epoch} has ended (QuicTunnel:Cluster:Lease). It takes another epoch and announces its sessions again.", EventName = "TunnelLeaseLost")]
    public static partial void LeaseLost(this ILogger logger, string node, long epoch);

    [LoggerMessage(3, LogLevel.Error, "Another concentrator has the name {Node}, with the later epoch {Epoch}. Each ends connections of the other. Give each its own name (QuicTunnel:Cluster:Node).", EventName = "TunnelNameTaken")]
    public static partial void NameTaken(this ILogger logger, string node, long epoch);

    [LoggerMessage(4, LogLevel.Warning, "Redis can't be reached: {Reason} Until then this concentrator refuses joins of sessions that it does not have.", EventName = "TunnelDirectoryLost")]
    public static partial void DirectoryLost(this ILogger logger, string reason);

    [LoggerMessage(5, LogLevel.Information, "Redis can be reached.", EventName = "TunnelDirectoryReached")]
    public static partial void DirectoryReached(this ILogger logger);

    [LoggerMessage(6, LogLevel.Error, "The directory of sessions failed. It tries again.", EventName = "TunnelDirectoryFailed")]
    public static partial void DirectoryFailed(this ILogger logger, Exception exception);
}
