using System.Globalization;
using System.Net;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>A host (a name or an IP address) and a port.</summary>
internal readonly record struct ServerAddress(string Host, int Port)
{
    public static bool TryParse(string text, out ServerAddress address)
    {
        address = default;
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is 0 or > ushort.MaxValue)
        {
            return false;
        }

        string host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']') && IPAddress.TryParse(host, out _))
        {
            host = host[1..^1];
        }

        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            return false;
        }

        address = new ServerAddress(host, port);
        return true;
    }
}
