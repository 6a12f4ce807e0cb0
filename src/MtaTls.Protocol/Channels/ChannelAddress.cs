using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MtaTls.Protocol;

/// <summary>The source or destination of a channel (section 2.1.1): a domain name or a numeric IP address, and a port. The default value is 0.0.0.0:0.</summary>
public readonly record struct ChannelAddress
{
    /// <summary>The longest host, in bytes.</summary>
    private const int MaxHostLength = 253;

    private static readonly SearchValues<byte> s_nameOctets =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."u8);

    private static readonly SearchValues<byte> s_addressOctets = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    private readonly string? _host;

    /// <summary>Creates an address.</summary>
    /// <param name="host">A domain name of letters, digits, hyphens, underscores and dots, at most 253 bytes, or an IP address (IPv6 without brackets and zone).</param>
    /// <param name="port">The port. Range: 0 to 65,535.</param>
    /// <exception cref="ArgumentNullException"><paramref name="host"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="host"/> is neither a name nor an IP address.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="port"/> is out of range.</exception>
    public ChannelAddress(string host, int port)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        if (!IsValidHost(host))
        {
            throw new ArgumentException("The host must be an IP address, or a name of at most 253 letters, digits, hyphens, underscores and dots.", nameof(host));
        }

        _host = host;
        Port = port;
    }

    /// <summary>Creates an address from an IP endpoint, without the zone of an IPv6 address.</summary>
    /// <param name="endPoint">The endpoint.</param>
    /// <exception cref="ArgumentNullException"><paramref name="endPoint"/> is <see langword="null"/>.</exception>
    public ChannelAddress(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        IPAddress address = endPoint.Address;
        _host = (address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(address.GetAddressBytes()) : address).ToString();
        Port = endPoint.Port;
    }

    private ChannelAddress(string validHost, ushort port) => (_host, Port) = (validHost, port);

    /// <summary>The domain name or IP address; IPv6 without brackets.</summary>
    public string Host => _host ?? "0.0.0.0";

    /// <summary>The port, 0 to 65,535.</summary>
    public int Port { get; }

    /// <summary>Checks whether a text can be the host of an address: a name of at most 253 letters, digits, hyphens, underscores and dots, or an IP address.</summary>
    /// <param name="host">The text to check.</param>
    /// <returns><see langword="true"/> when <paramref name="host"/> is valid.</returns>
    public static bool IsValidHost([NotNullWhen(true)] string? host)
    {
        if (host is null || host.Length is 0 or > MaxHostLength)
        {
            return false;
        }

        Span<byte> octets = stackalloc byte[MaxHostLength];
        return Ascii.FromUtf16(host, octets, out int written) == OperationStatus.Done && IsValidHost(octets[..written]);
    }

    /// <summary>Returns "host:port", with brackets around an IPv6 address.</summary>
    public override string ToString() =>
        (Host.Contains(':', StringComparison.Ordinal) ? "[" + Host + "]:" : Host + ":") + Port.ToString(CultureInfo.InvariantCulture);

    /// <summary>Creates an address from the bytes of a packet.</summary>
    /// <param name="host">The bytes of source_address_machine or destination_address_machine.</param>
    /// <param name="port">The port.</param>
    /// <param name="recent">The last host string. It is reused when the host is the same, so that many channels to one host share one string.</param>
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
