using System.Net;
using System.Net.Sockets;

namespace MtaTls.Quic;

/// <summary>Which addresses a server may send a client to (RFC 9000, sections 9.6 and 21.5.3): not into a network that is nearer to the client than the server is.</summary>
internal static class PreferredAddressRules
{
    private enum Scope
    {
        None,
        Loopback,
        Link,
        Site,
        Global,
    }

    /// <summary>Whether a client that is connected to <paramref name="server"/> may use the address that it announces.</summary>
    public static bool Allows(IPEndPoint announced, IPAddress server)
    {
        Scope scope = ScopeOf(announced.Address);
        return announced.Port != 0 && scope != Scope.None && scope >= ScopeOf(server);
    }

    private static Scope ScopeOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (IPAddress.IsLoopback(address))
        {
            return Scope.Loopback;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return address.IsIPv6Multicast || address.Equals(IPAddress.IPv6Any) ? Scope.None
                : address.IsIPv6LinkLocal ? Scope.Link
                : (bytes[0] & 0xfe) == 0xfc ? Scope.Site
                : Scope.Global;
        }

        return bytes[0] is 0 or >= 224 ? Scope.None
            : bytes[0] == 169 && bytes[1] == 254 ? Scope.Link
            : bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) || (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 100 && (bytes[1] & 0xc0) == 64) ? Scope.Site
            : Scope.Global;
    }
}
