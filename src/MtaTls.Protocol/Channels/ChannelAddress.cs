using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MtaTls.Protocol;

/// <summary>A source or destination of a channel (section 2.1.1): a domain name or a numeric IP address, and a port.</summary>
public readonly record struct ChannelAddress
{
    /// <summary>The most bytes of a domain name.</summary>
    private const int MaxHostLength = 253;

    private static readonly SearchValues<byte> s_nameOctets =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."u8);

    private static readonly SearchValues<byte> s_addressOctets = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    private readonly string? _host;

    /// <summary>Creates an address.</summary>
    /// <param name="host">A domain name of letters, digits, hyphens, underscores and dots, at most 253 bytes, or an IP address (IPv6 without brackets and zone).</param>
    /// <param name="port">0 to 65,535.</param>
    /// <exception cref="ArgumentException"><paramref name="host"/> is neither.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="port"/> is out of range.</exception>
    public ChannelAddress(string host, int port)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        if (!IsValidHost(host))
        {
            throw new ArgumentException("The host is neither an IP address nor a name of letters, digits, hyphens, underscores and dots of at most 253 octets.", nameof(host));
        }

        _host = host;
        Port = port;
    }

    /// <summary>Creates an address from an IP endpoint; an IPv6 zone is left out.</summary>
    /// <param name="endPoint">The endpoint.</param>
    public ChannelAddress(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        IPAddress address = endPoint.Address;
        _host = (address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(address.GetAddressBytes()) : address).ToString();
        Port = endPoint.Port;
    }

    private ChannelAddress(string validHost, ushort port) => (_host, Port) = (validHost, port);

    /// <summary>The domain name or IP address.</summary>
    public string Host => _host ?? "0.0.0.0";

    /// <summary>The port, 0 to 65,535.</summary>
    public int Port { get; }

    /// <summary>Whether <paramref name="host"/> may stand in an address.</summary>
    /// <param name="host">The text to check.</param>
    public static bool IsValidHost([NotNullWhen(true)] string? host)
    {
        if (host is null || host.Length is 0 or > MaxHostLength)
        {
            return false;
        }

        Span<byte> octets = stackalloc byte[MaxHostLength];
        return Ascii.FromUtf16(host, octets, out int written) == OperationStatus.Done && IsValidHost(octets[..written]);
    }

    /// <summary>"host:port", an IPv6 address in brackets.</summary>
    public override string ToString() =>
        (Host.Contains(':', StringComparison.Ordinal) ? "[" + Host + "]:" : Host + ":") + Port.ToString(CultureInfo.InvariantCulture);

    /// <summary>Makes an address of the bytes of a packet.</summary>
    /// <param name="host">The bytes of source_address_machine or destination_address_machine.</param>
    /// <param name="port">The port.</param>
    /// <param name="recent">A host string that is used again when it is the same, so that many channels to one host share it.</param>
    /// <param name="address">The address.</param>
    /// <returns>Whether the bytes are a valid host.</returns>
    internal static bool TryCreate(ReadOnlySpan<byte> host, ushort port, ref string? recent, out ChannelAddress address)
    {
        if (!IsValidHost(host))
        {
            address = default;
            return false;
        }
        if (recent is null || !Ascii.Equals(host, recent))
        {
            recent = Encoding.ASCII.GetString(host);
        }

        address = new ChannelAddress(recent, port);
        return true;
    }

    private static bool IsValidHost(ReadOnlySpan<byte> host)
    {
        if (host.Length is 0 or > MaxHostLength)
        {
            return false;
        }

        if (!host.ContainsAnyExcept(s_nameOctets))
        {
            return true;
        }

        return !host.ContainsAnyExcept(s_addressOctets) && IPAddress.TryParse(Encoding.ASCII.GetString(host), out _);
    }
}
