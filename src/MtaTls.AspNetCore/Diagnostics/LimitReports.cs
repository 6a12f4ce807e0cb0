using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>Counts how often a limit that sessions share is exceeded, and logs it at most once a minute for each limit.</summary>
internal sealed class LimitReports(MtaTlsMetrics metrics, ILoggerFactory loggers, TimeProvider time)
{
    private static readonly TimeSpan s_logInterval = TimeSpan.FromMinutes(1);

    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Sessions);

    // The time of the last log entry of a limit, by the name of its option.
    private readonly ConcurrentDictionary<string, long> _lastLogged = new();

    /// <param name="limit">The option's name.</param>
    /// <param name="answer">What the server does above the limit, for the log.</param>
    /// <param name="tags">The tags of the session or connection, if there is one.</param>
    public void Exceeded(string limit, string answer, in TagList tags = default)
    {
        metrics.LimitExceeded(limit, 1, tags);
        long now = time.GetTimestamp();
        if (_lastLogged.TryGetValue(limit, out long last) ? time.GetElapsedTime(last, now) >= s_logInterval && _lastLogged.TryUpdate(limit, now, last) : _lastLogged.TryAdd(limit, now))
        {
            _logger.LimitReached(limit, answer);
        }
    }
}
