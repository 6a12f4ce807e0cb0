using Microsoft.Extensions.Logging;

namespace MtaTls.ReverseProxy.Redis.Diagnostics;

internal static partial class DirectoryLog
{
    public const string Category = "MtaTls.Cluster.Directory";

    [LoggerMessage(1, LogLevel.Information, "This gateway has joined the cluster as {Node} with epoch {Epoch}. Other gateways reach it at {Advertise}.", EventName = "LeaseAcquired")]
    public static partial void LeaseAcquired(this ILogger logger, string node, long epoch, Uri advertise);

    [LoggerMessage(2, LogLevel.Warning, "The lease of this gateway, {Node} with epoch {Epoch}, has ended (MtaTls:Cluster:Lease). The gateway takes a new epoch and announces its agents again.", EventName = "LeaseLost")]
    public static partial void LeaseLost(this ILogger logger, string node, long epoch);

    [LoggerMessage(3, LogLevel.Error, "Another gateway has the name {Node} with the later epoch {Epoch}, so other gateways do not find this gateway's agents. Give each gateway its own name (MtaTls:Cluster:Node).", EventName = "NameTaken")]
    public static partial void NameTaken(this ILogger logger, string node, long epoch);

    [LoggerMessage(4, LogLevel.Warning, "Redis can't be reached: {Reason} This gateway still serves its own agents, and known agents of other gateways for {MaxStale} (MtaTls:Cluster:MaxStale).", EventName = "DirectoryLost")]
    public static partial void DirectoryLost(this ILogger logger, string reason, TimeSpan maxStale);

    [LoggerMessage(5, LogLevel.Information, "Redis can be reached.", EventName = "DirectoryReached")]
    public static partial void DirectoryReached(this ILogger logger);

    [LoggerMessage(6, LogLevel.Warning, "Redis could not be reached for {MaxStale} (MtaTls:Cluster:MaxStale). This gateway now uses only its own agents.", EventName = "DirectoryStale")]
    public static partial void DirectoryStale(this ILogger logger, TimeSpan maxStale);

    [LoggerMessage(7, LogLevel.Information, "Gateway {Node} has joined the cluster with epoch {Epoch} at {Advertise}.", EventName = "NodeCame")]
    public static partial void NodeCame(this ILogger logger, string node, long epoch, Uri advertise);

    [LoggerMessage(8, LogLevel.Information, "Gateway {Node} has left the cluster: it has stopped, or its lease has ended.", EventName = "NodeGone")]
    public static partial void NodeGone(this ILogger logger, string node);

    [LoggerMessage(9, LogLevel.Information, "Gateway {Node} is about to stop. New requests go to agents of other gateways.", EventName = "NodeDraining")]
    public static partial void NodeDraining(this ILogger logger, string node);

    [LoggerMessage(10, LogLevel.Warning, "{Count} entries of the Redis key {Key} are invalid and were ignored.", EventName = "EntriesIgnored")]
    public static partial void EntriesIgnored(this ILogger logger, int count, string key);

    [LoggerMessage(11, LogLevel.Warning, "The Redis key {Key} has more entries than MtaTls:Cluster:{Limit} ({Most}). Further entries were ignored.", EventName = "TooManyEntries")]
    public static partial void TooManyEntries(this ILogger logger, string key, string limit, int most);

    [LoggerMessage(12, LogLevel.Warning, "The agents of '{Name}' could not be looked up in Redis: {Reason}", EventName = "LookupFailed")]
    public static partial void LookupFailed(this ILogger logger, string name, string reason);

    [LoggerMessage(13, LogLevel.Warning, "The agents of '{Name}' were not looked up in Redis: {Most} requests already wait for lookups (MtaTls:Cluster:MaxLookups).", EventName = "TooManyLookups")]
    public static partial void TooManyLookups(this ILogger logger, string name, int most);

    [LoggerMessage(14, LogLevel.Information, "{Count} names of this gateway's agents were announced with epoch {Epoch}.", EventName = "Announced")]
    public static partial void Announced(this ILogger logger, int count, long epoch);

    [LoggerMessage(16, LogLevel.Warning, "Redis has refused {Count} entries of this gateway's agents: {Reason} They are announced again in {Seconds:0.#} s.", EventName = "MembersRefused")]
    public static partial void MembersRefused(this ILogger logger, int count, string reason, double seconds);

    [LoggerMessage(15, LogLevel.Error, "The directory's loop failed and is started again.", EventName = "DirectoryFailed")]
    public static partial void DirectoryFailed(this ILogger logger, Exception exception);
}
