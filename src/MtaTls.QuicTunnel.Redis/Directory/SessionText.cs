using System.Globalization;
using MtaTls.QuicTunnel.Configuration;

namespace MtaTls.QuicTunnel.Redis.Directory;

/// <summary>The entry of a session in Redis: <c>node|epoch|identity</c>. The identity is a hash, or empty if clients have none.</summary>
internal sealed record SessionText(string Node, long Epoch, string? Identity)
{
    private const int MaxLength = 200;

    public string Format() => string.Create(CultureInfo.InvariantCulture, $"{Node}|{Epoch}|{Identity}");

    /// <summary>Reads an entry; null if the text is not a valid one.</summary>
    public static SessionText? Parse(string? text)
    {
        string[] fields = text is { Length: <= MaxLength } ? text.Split('|') : [];
        return fields.Length == 3
            && ClusterValidation.IsNode(fields[0])
            && TryParseEpoch(fields[1], out long epoch)
            && (fields[2].Length == 0 || (fields[2].Length == 64 && fields[2].All(char.IsAsciiHexDigitLower)))
            ? new SessionText(fields[0], epoch, fields[2].Length == 0 ? null : fields[2])
            : null;
    }

    public static bool TryParseEpoch(string? text, out long epoch) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out epoch) && epoch > 0;
}
