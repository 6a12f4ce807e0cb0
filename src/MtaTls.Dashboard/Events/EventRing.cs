using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MtaTls.Dashboard.Events;

/// <summary>Keeps the last log events.</summary>
internal sealed class EventRing(IOptions<MtaTlsDashboardOptions> options, TimeProvider time)
{
    private const int MaxMessageLength = 2_000;

    private readonly Lock _lock = new();
    private EventEntry?[] _ring = [];
    private long _count;

    public void Add(LogLevel level, string category, string? name, string message)
    {
        message = message.Length <= MaxMessageLength ? message : message[..MaxMessageLength];
        lock (_lock)
        {
            if (_ring.Length == 0)
            {
                // Not earlier, because reading invalid options throws, and the application's start should report these errors.
                _ring = new EventEntry[options.Value.MaxEvents];
            }

            _ring[_count % _ring.Length] = new EventEntry(++_count, time.GetUtcNow(), level, category, name ?? "", message);
        }
    }

    /// <summary>The events that contain a text and have at least a level, the newest first.</summary>
    public IReadOnlyList<EventEntry> Find(string? text, LogLevel least, int most)
    {
        EventEntry?[] entries;
        lock (_lock)
        {
            entries = [.. _ring];
        }

        return
        [
            .. entries.OfType<EventEntry>().Where(e => e.Level >= least && (string.IsNullOrEmpty(text) || Has(e.Message, text) || Has(e.Category, text) || Has(e.Name, text)))
                .OrderByDescending(static e => e.Number).Take(most),
        ];
    }

    private static bool Has(string value, string text) => value.Contains(text, StringComparison.OrdinalIgnoreCase);
}
