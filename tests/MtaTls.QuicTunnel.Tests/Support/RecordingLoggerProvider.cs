using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Tests.Support;

internal sealed class RecordingLoggerProvider : ILoggerProvider, ILogger
{
    public ConcurrentQueue<(LogLevel Level, string? Event, string Message)> Entries { get; } = new();

    /// <summary>The event whose records throw, as those of an application's own logger may.</summary>
    public string? Failing { get; set; }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Entries.Enqueue((logLevel, eventId.Name, formatter(state, exception)));
        if (eventId.Name is { } name && name == Failing)
        {
            throw new IOException("the log fails");
        }
    }

    public void Dispose()
    {
    }
}
