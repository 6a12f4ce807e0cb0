using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace MtaTls.QuicTunnel.Cluster;

/// <summary>The texts of concentrators' addresses.</summary>
internal static class NodeAddress
{
    /// <summary>The longest text, in characters: an IPv6 address with a scope and a port.</summary>
    public const int MaxLength = 64;

    /// <summary>Reads an address that a concentrator can connect to: with a port, and not the unspecified one.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        return text is { Length: <= MaxLength } && text.Contains(':', StringComparison.Ordinal) && IPEndPoint.TryParse(text, out endPoint)
            && endPoint.Port != 0 && !endPoint.Address.Equals(IPAddress.Any) && !endPoint.Address.Equals(IPAddress.IPv6Any);
    }

    /// <summary>Whether the text is such an address.</summary>
    public static bool IsSpecific(string text) => TryParse(text, out _);
}
