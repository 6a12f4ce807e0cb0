using Microsoft.Extensions.Logging;

namespace MtaTls.Dashboard.Events;

/// <summary>Something that was logged.</summary>
/// <param name="Number">1 for the first, and so on.</param>
/// <param name="Time">When.</param>
/// <param name="Level">How bad it is.</param>
/// <param name="Category">The log's category.</param>
/// <param name="Name">The event's name.</param>
/// <param name="Message">What happened.</param>
internal sealed record EventEntry(long Number, DateTimeOffset Time, LogLevel Level, string Category, string Name, string Message);
