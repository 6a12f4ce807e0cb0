using System.Globalization;
using MtaTls.QuicTunnel.Cluster;

namespace MtaTls.QuicTunnel.Redis.Directory;

/// <summary>The key of a concentrator that is alive: <c>epoch</c>, or <c>epoch|address</c> with the address at which other concentrators reach it.</summary>
internal sealed record LeaseText(long Epoch, string? Address)
{
    private const int MaxLength = 20 + 1 + NodeAddress.MaxLength;

    public string Format() => Address is null ? Epoch.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{Epoch}|{Address}");

    /// <summary>Reads a key; null if the text is not a valid one.</summary>
    public static LeaseText? Parse(string? text)
    {
        if (text is not { Length: <= MaxLength })
        {
            return null;
        }

        int bar = text.IndexOf('|', StringComparison.Ordinal);
        string? address = bar < 0 ? null : text[(bar + 1)..];
        return SessionText.TryParseEpoch(bar < 0 ? text : text[..bar], out long epoch) && (address is null || NodeAddress.IsSpecific(address)) ? new LeaseText(epoch, address) : null;
    }
}
