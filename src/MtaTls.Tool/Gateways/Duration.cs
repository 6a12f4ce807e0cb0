using System.Buffers;
using System.Globalization;

namespace MtaTls.Tool.Gateways;

/// <summary>Parses durations of more than zero and at most a day: <c>30</c> (seconds), <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c>, or <c>00:00:30</c>.</summary>
internal static class Duration
{
    private static readonly SearchValues<char> s_number = SearchValues.Create("0123456789.");

    public static bool TryParse(string text, out TimeSpan value)
    {
        value = default;
        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value) && value > TimeSpan.Zero;
        }

        int digits = text.AsSpan().IndexOfAnyExcept(s_number);
        digits = digits < 0 ? text.Length : digits;
        if (!double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
        {
            return false;
        }

        double seconds = text[digits..] switch
        {
            "ms" => 0.001,
            "" or "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => 0,
        };
        number *= seconds;
        if (number is <= 0 or > 86_400)
        {
            return false;
        }

        value = TimeSpan.FromSeconds(number);
        return true;
    }
}
