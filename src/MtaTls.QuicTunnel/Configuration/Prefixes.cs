using System.Globalization;
using System.Net;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Parses addresses with prefix lengths.</summary>
internal static class Prefixes
{
    /// <summary>Parses an address with its prefix length, such as <c>10.99.0.1/24</c> or <c>fd99::1/64</c>.</summary>
    public static bool TryParse(string value, out IPNetwork network, out IPAddress address)
    {
        network = default;
        address = IPAddress.None;
        int slash = value.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || !IPAddress.TryParse(value.AsSpan(0, slash), out IPAddress? parsed)
            || !int.TryParse(value.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            || length > parsed.GetAddressBytes().Length * 8 || parsed.IsIPv4MappedToIPv6)
        {
            return false;
        }

        address = parsed;
        network = NetworkOf(parsed, length);
        return true;
    }

    /// <summary>Returns the network of an address, with the host bits cleared.</summary>
    public static IPNetwork NetworkOf(IPAddress address, int length)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int bit = length; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPNetwork(new IPAddress(bytes), length);
    }
}
