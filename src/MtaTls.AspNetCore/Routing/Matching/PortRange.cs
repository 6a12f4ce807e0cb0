using System.Globalization;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The ports from <paramref name="First"/> to <paramref name="Last"/>, both included and both from 1 to 65535.</summary>
internal readonly record struct PortRange(int First, int Last)
{
    /// <summary>Reads <c>443</c> or <c>7000-7010</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PortRange range)
    {
        range = default;
        int dash = text.IndexOf('-');
        if (!TryParsePort(dash < 0 ? text : text[..dash], out int first))
        {
            return false;
        }

        int last = first;
        if (dash >= 0 && !TryParsePort(text[(dash + 1)..], out last))
        {
            return false;
        }

        range = new PortRange(first, last);
        return first <= last;
    }

    public static bool TryParsePort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535;

    public bool Contains(int port) => port >= First && port <= Last;
}
