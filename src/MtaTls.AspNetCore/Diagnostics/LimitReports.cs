using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>Counts what exceeds a limit that sessions share, and says so in the log: once a minute for a limit, however often it is exceeded.</summary>
internal sealed class LimitReports(MtaTlsMetrics metrics, ILoggerFactory loggers, TimeProvider time)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Sessions);

    // The keys are names of options.
    private readonly ConcurrentDictionary<string, long> _said = new();

    /// <param name="limit">The option's name.</param>
    /// <param name="answer">What is done above it.</param>
    /// <param name="tags">Of the session or connection, where there is one.</param>
    public void Exceeded(string limit, string answer, in TagList tags = default)
    {
        metrics.LimitExceeded(limit, 1, tags);
        long now = time.GetTimestamp();
        if (_said.TryGetValue(limit, out long said) ? time.GetElapsedTime(said, now) >= s_pause && _said.TryUpdate(limit, now, said) : _said.TryAdd(limit, now))
        {
            _logger.LimitReached(limit, answer);
        }
    }
}
