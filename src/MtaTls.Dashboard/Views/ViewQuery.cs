using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MtaTls.Dashboard.Views;

/// <summary>The view that a viewer asks for.</summary>
/// <param name="View">The view's name.</param>
/// <param name="Id">For the view of channels: the id of their session.</param>
/// <param name="Sort">The column to sort by; null: the view's default.</param>
/// <param name="Descending">Whether the largest comes first.</param>
/// <param name="Page">The page, 1 for the first.</param>
/// <param name="Size">The number of rows on a page.</param>
/// <param name="Filter">A text that rows must contain; null: all rows.</param>
/// <param name="Level">The lowest level of events.</param>
internal sealed record ViewQuery(string View, string? Id, string? Sort, bool Descending, int Page, int Size, string? Filter, LogLevel Level)
{
    public const int MaxSize = 200;
    public const int MaxText = 200;

    private const int DefaultSize = 50;
    private const int MaxPage = 1_000_000;

    private static readonly string[] s_views = ["overview", "sessions", "channels", "agents", "tunnels", "endpoints", "limits", "events", "requests"];

    /// <summary>Reads a query string.</summary>
    /// <returns>False if it is invalid, with the error.</returns>
    public static bool TryRead(IQueryCollection query, [NotNullWhen(true)] out ViewQuery? result, [NotNullWhen(false)] out string? error)
    {
        result = null;
        string view = Text("view") ?? "overview";
        error = Array.IndexOf(s_views, view) < 0 ? $"view must be one of {string.Join(", ", s_views)}."
            : Text("id")?.Length > MaxText || Text("filter")?.Length > MaxText || Text("sort")?.Length > MaxText ? $"id, filter and sort must have at most {MaxText} characters."
            : !TryNumber("page", 1, MaxPage, out int page) ? $"page must be a number from 1 to {MaxPage}."
            : !TryNumber("size", DefaultSize, MaxSize, out int size) ? $"size must be a number from 1 to {MaxSize}."
            : !TryLevel(out LogLevel level) ? "level must be a log level, such as Warning."
            : (result = new ViewQuery(view, Text("id"), Text("sort"), Text("desc") == "1", page, size, Text("filter"), level)) is null ? "" : null;
        return error is null;

        string? Text(string name) => query[name] is [{ Length: > 0 } text] ? text : null;

        bool TryNumber(string name, int otherwise, int most, out int number)
        {
            number = otherwise;
            return Text(name) is not { } text || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1 && number <= most);
        }

        bool TryLevel(out LogLevel level)
        {
            level = LogLevel.Trace;
            return Text("level") is not { } text || (Enum.TryParse(text, ignoreCase: true, out level) && Enum.IsDefined(level));
        }
    }
}
