using Microsoft.Extensions.Logging;

namespace MtaTls.Dashboard;

/// <summary>The log messages of the live page.</summary>
internal static partial class DashboardLog
{
    public const string Category = "MtaTls.Dashboard";

    [LoggerMessage(1, LogLevel.Information, "User {User} on the live page: {Action} {Id}.", EventName = "Acted")]
    public static partial void Acted(this ILogger logger, string user, string action, string id);
}
