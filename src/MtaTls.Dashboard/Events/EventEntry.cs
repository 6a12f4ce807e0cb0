using Microsoft.Extensions.Logging;

namespace MtaTls.Dashboard.Events;

/// <summary>A log event.</summary>
/// <param name="Number">1 for the first, and so on.</param>
/// <param name="Time">When it was logged.</param>
/// <param name="Level">The log level.</param>
/// <param name="Category">The log's category.</param>
/// <param name="Name">The event's name.</param>
/// <param name="Message">The formatted message, with the message of the exception if there is one.</param>
internal sealed record EventEntry(long Number, DateTimeOffset Time, LogLevel Level, string Category, string Name, string Message);
