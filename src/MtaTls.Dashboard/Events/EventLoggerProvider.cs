using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MtaTls.Dashboard.Events;

/// <summary>Keeps the log events of the packages for the page's list of events. <c>Logging:MtaTlsDashboard:LogLevel</c> filters them.</summary>
[ProviderAlias("MtaTlsDashboard")]
internal sealed class EventLoggerProvider(IServiceProvider services) : ILoggerProvider
{
    private readonly ConcurrentDictionary<string, ILogger> _loggers = new(StringComparer.Ordinal);

    // Created with the first event, because reading the ring's options may itself log.
    private readonly Lazy<EventRing> _ring = new(services.GetRequiredService<EventRing>);

    public ILogger CreateLogger(string categoryName) => _loggers.GetOrAdd(categoryName, CreateNew);

    public void Dispose()
    {
    }

    private ILogger CreateNew(string category)
        => category.StartsWith("MtaTls.", StringComparison.Ordinal) ? new EventLogger(category, _ring) : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    private sealed class EventLogger(string category, Lazy<EventRing> ring) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            string message = formatter(state, exception);
            try
            {
                ring.Value.Add(logLevel, category, eventId.Name, exception is null ? message : $"{message} {exception.Message}");
            }
            catch (Exception e) when (e is OptionsValidationException or ObjectDisposedException)
            {
                // Invalid options, which the application's start reports, or the application has ended.
            }
        }
    }
}
