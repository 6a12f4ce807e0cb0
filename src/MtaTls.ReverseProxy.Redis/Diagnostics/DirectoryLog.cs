using Microsoft.Extensions.Logging;

namespace MtaTls.ReverseProxy.Redis.Diagnostics;

internal static partial class DirectoryLog
{
    public const string Category = "MtaTls.Cluster.Directory";

    [LoggerMessage(1, LogLevel.Information, "This gateway is {Node} with epoch {Epoch}; others reach it at {Advertise}.", EventName = "LeaseAcquired")]
    public static partial void LeaseAcquired(this ILogger logger, string node, long epoch, Uri advertise);

    [LoggerMessage(2, LogLevel.Warning, "The lease of gateway {Node} with epoch {Epoch} has ended (MtaTls:Cluster:Lease): it takes another epoch and announces its agents again.", EventName = "LeaseLost")]
    public static partial void LeaseLost(this ILogger logger, string node, long epoch);

    [LoggerMessage(3, LogLevel.Error, "Another gateway has the name {Node}, with the later epoch {Epoch}: agents of this one are not found by others. Give each gateway its own name (MtaTls:Cluster:Node).", EventName = "NameTaken")]
    public static partial void NameTaken(this ILogger logger, string node, long epoch);

    [LoggerMessage(4, LogLevel.Warning, "Redis can't be reached: {Reason} Agents of this gateway are served, and known agents of others for {MaxStale} (MtaTls:Cluster:MaxStale).", EventName = "DirectoryLost")]
    public static partial void DirectoryLost(this ILogger logger, string reason, TimeSpan maxStale);

    [LoggerMessage(5, LogLevel.Information, "Redis is reached.", EventName = "DirectoryReached")]
    public static partial void DirectoryReached(this ILogger logger);

    [LoggerMessage(6, LogLevel.Warning, "Redis was not reached for {MaxStale} (MtaTls:Cluster:MaxStale): agents of other gateways are not used any more.", EventName = "DirectoryStale")]
    public static partial void DirectoryStale(this ILogger logger, TimeSpan maxStale);

    [LoggerMessage(7, LogLevel.Information, "Gateway {Node} has come, with epoch {Epoch} at {Advertise}.", EventName = "NodeCame")]
    public static partial void NodeCame(this ILogger logger, string node, long epoch, Uri advertise);

    [LoggerMessage(8, LogLevel.Information, "Gateway {Node} has gone: its lease has ended.", EventName = "NodeGone")]
    public static partial void NodeGone(this ILogger logger, string node);

    [LoggerMessage(9, LogLevel.Information, "Gateway {Node} is about to stop: new requests go to others.", EventName = "NodeDraining")]
    public static partial void NodeDraining(this ILogger logger, string node);

    [LoggerMessage(10, LogLevel.Warning, "{Count} entries of {Key} were not understood and do not count.", EventName = "EntriesIgnored")]
    public static partial void EntriesIgnored(this ILogger logger, int count, string key);

    [LoggerMessage(11, LogLevel.Warning, "{Count} entries of {Key} are more than MtaTls:Cluster:{Limit} ({Most}); the others do not count.", EventName = "TooManyEntries")]
    public static partial void TooManyEntries(this ILogger logger, long count, string key, string limit, int most);

    [LoggerMessage(12, LogLevel.Warning, "A look-up of '{Name}' failed: {Reason}", EventName = "LookupFailed")]
    public static partial void LookupFailed(this ILogger logger, string name, string reason);

    [LoggerMessage(13, LogLevel.Warning, "A look-up of '{Name}' was not made: MaxLookups ({Most}) requests wait for others (MtaTls:Cluster:MaxLookups).", EventName = "TooManyLookups")]
    public static partial void TooManyLookups(this ILogger logger, string name, int most);

    [LoggerMessage(14, LogLevel.Information, "{Count} registrations were announced with epoch {Epoch}.", EventName = "Announced")]
    public static partial void Announced(this ILogger logger, int count, long epoch);

    [LoggerMessage(15, LogLevel.Error, "The directory's work failed; it goes on.", EventName = "DirectoryFailed")]
    public static partial void DirectoryFailed(this ILogger logger, Exception exception);
}
