using System.Globalization;

namespace MtaTls.Configuration;

/// <summary>Formats values for messages and the options page.</summary>
internal static class SettingText
{
    public static string Of(object value) => value switch
    {
        TimeSpan time when time == Timeout.InfiniteTimeSpan => "-00:00:00.001",
        TimeSpan time => Trim(time.ToString("c", CultureInfo.InvariantCulture)),
        double number => number.ToString(CultureInfo.InvariantCulture),
        IFormattable number and (int or long or ushort) => number.ToString("N0", CultureInfo.InvariantCulture),
        bool flag => flag ? "true" : "false",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };

    public static string? Range(Setting setting)
    {
        if (setting.Minimum is not { } least || setting.Maximum is not { } most)
        {
            return null;
        }

        string range = least is TimeSpan { Ticks: 1 } ? $"more than 00:00:00, at most {Of(most)}" : $"{Of(least)} to {Of(most)}";
        return setting.AllowsInfinite ? $"{range}; -00:00:00.001 for no limit" : range;
    }

    // In "1.00:00:00" the point separates days. Only a point after the last colon begins a fraction.
    private static string Trim(string time) => time.LastIndexOf('.') > time.LastIndexOf(':') ? time.TrimEnd('0') : time;
}
