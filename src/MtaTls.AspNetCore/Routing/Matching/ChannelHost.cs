using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// A host in the form that routes compare: an IP address (IPv4-mapped IPv6 as IPv4), or a name in lower case without its trailing dot. Different spellings of one host are equal.
/// </summary>
internal readonly record struct ChannelHost
{
    private const int MaxNameLength = 253;
    private const int MaxLabelLength = 63;
    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private ChannelHost(string? name, IPAddress? address)
    {
        Name = name;
        Address = address;
    }

    /// <summary>The name; null if the host is an address.</summary>
    public string? Name { get; }

    /// <summary>The address; null if the host is a name.</summary>
    public IPAddress? Address { get; }

    public static ChannelHost From(IPAddress address) => new(null, Normalize(address));

    /// <summary>
    /// Reads a host from a channel's destination or a Host header. Texts that a resolver could read differently are refused: non-ASCII names (international names are
    /// written as A-labels), IPv6 zones, and IPv4 addresses with fewer than four parts, in octal or in hexadecimal.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ChannelHost host)
    {
        host = default;
        if (text.Contains(':'))
        {
            // A zone names a network interface of this machine, so a client cannot know it.
            if (text.ContainsAny("%[]/") || !IPAddress.TryParse(text, out IPAddress? v6) || v6.AddressFamily != AddressFamily.InterNetworkV6)
            {
                return false;
            }

            host = From(v6);
            return true;
        }

        if (text.EndsWith('.'))
        {
            text = text[..^1];
        }

        if (TryParseIPv4(text, out IPAddress? v4))
        {
            host = From(v4);
            return true;
        }

        if (!IsName(text))
        {
            return false;
        }

        host = new ChannelHost(text.ToString().ToLowerInvariant(), null);
        return true;
    }

    /// <summary>Reads the host of a URI's authority, in which IPv6 is in brackets.</summary>
    public static bool TryParseUriHost(ReadOnlySpan<char> text, out ChannelHost host)
    {
        if (text is not ['[', .. var inner, ']'])
        {
            return TryParse(text, out host) && host.Address?.AddressFamily != AddressFamily.InterNetworkV6;
        }

        return TryParse(inner, out host) && inner.Contains(':');
    }

    public static IPAddress Normalize(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>Formats the host as in a URI, with IPv6 in brackets.</summary>
    public string ToUriHost() => Address is { AddressFamily: AddressFamily.InterNetworkV6 } ? $"[{Address}]" : ToString();

    public override string ToString() => Name ?? Address?.ToString() ?? "";

    /// <summary>Reads exactly four decimal parts without leading zeros, the form that every resolver reads in the same way.</summary>
    private static bool TryParseIPv4(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        Span<byte> octets = stackalloc byte[4];
        int count = 0;
        foreach (Range part in text.Split('.'))
        {
            ReadOnlySpan<char> digits = text[part];
            if (count == 4 || digits.Length is 0 or > 3 || (digits.Length > 1 && digits[0] == '0')
                || !byte.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out octets[count]))
            {
                return false;
            }

            count++;
        }

        if (count != 4)
        {
            return false;
        }

        address = new IPAddress(octets);
        return true;
    }

    private static bool IsName(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaxNameLength)
        {
            return false;
        }

        ReadOnlySpan<char> last = default;
        foreach (Range range in text.Split('.'))
        {
            last = text[range];
            if (last.Length is 0 or > MaxLabelLength || last[0] == '-' || last[^1] == '-')
            {
                return false;
            }

            foreach (char c in last)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                {
                    return false;
                }
            }
        }

        return !IsNumber(last);
    }

    /// <summary>Whether a label is a number. Many resolvers read a name whose last label is a number as an IPv4 address ("127.1", "0x7f000001").</summary>
    private static bool IsNumber(ReadOnlySpan<char> label) =>
        !label.ContainsAnyExceptInRange('0', '9')
        || (label.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && !label[2..].ContainsAnyExcept(s_hexDigits));
}
