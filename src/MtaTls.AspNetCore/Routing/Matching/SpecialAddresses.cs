using System.Net;
using System.Net.Sockets;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Classifies IP addresses by IANA's registries of special-purpose addresses (RFC 6890 and its successors).</summary>
internal static class SpecialAddresses
{
    // The first match counts, so narrow blocks come before wide ones.
    private static readonly (IPNetwork Network, AddressClass Class)[] s_ipv4 =
    [
        (IPNetwork.Parse("169.254.169.254/32"), AddressClass.Metadata), // AWS, Azure, Google Cloud, OpenStack and most others
        (IPNetwork.Parse("169.254.170.0/24"), AddressClass.Metadata), // AWS ECS and EKS credentials
        (IPNetwork.Parse("168.63.129.16/32"), AddressClass.Metadata), // Azure's wire server
        (IPNetwork.Parse("100.100.100.200/32"), AddressClass.Metadata), // Alibaba Cloud
        (IPNetwork.Parse("192.0.0.192/32"), AddressClass.Metadata), // Oracle Cloud
        (IPNetwork.Parse("0.0.0.0/8"), AddressClass.Unspecified),
        (IPNetwork.Parse("10.0.0.0/8"), AddressClass.Private),
        (IPNetwork.Parse("100.64.0.0/10"), AddressClass.Shared),
        (IPNetwork.Parse("127.0.0.0/8"), AddressClass.Loopback),
        (IPNetwork.Parse("169.254.0.0/16"), AddressClass.LinkLocal),
        (IPNetwork.Parse("172.16.0.0/12"), AddressClass.Private),
        (IPNetwork.Parse("192.0.0.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("192.0.2.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("192.88.99.0/24"), AddressClass.Reserved), // 6to4 relays
        (IPNetwork.Parse("192.168.0.0/16"), AddressClass.Private),
        (IPNetwork.Parse("198.18.0.0/15"), AddressClass.Reserved),
        (IPNetwork.Parse("198.51.100.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("203.0.113.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("224.0.0.0/4"), AddressClass.Multicast),
        (IPNetwork.Parse("240.0.0.0/4"), AddressClass.Reserved),
    ];

    private static readonly (IPNetwork Network, AddressClass Class)[] s_ipv6 =
    [
        (IPNetwork.Parse("fd00:ec2::254/128"), AddressClass.Metadata), // AWS
        (IPNetwork.Parse("fd00:ec2::23/128"), AddressClass.Metadata), // AWS EKS credentials
        (IPNetwork.Parse("fd20:ce::254/128"), AddressClass.Metadata), // Google Cloud
        (IPNetwork.Parse("::/128"), AddressClass.Unspecified),
        (IPNetwork.Parse("::1/128"), AddressClass.Loopback),
        (IPNetwork.Parse("64:ff9b:1::/48"), AddressClass.Translated), // local NAT64: each site chooses where the IPv4 address is, so it cannot be read
        (IPNetwork.Parse("fc00::/7"), AddressClass.Private),
        (IPNetwork.Parse("fe80::/10"), AddressClass.LinkLocal),
        (IPNetwork.Parse("fec0::/10"), AddressClass.Private),
        (IPNetwork.Parse("ff00::/8"), AddressClass.Multicast),
        (IPNetwork.Parse("2001:db8::/32"), AddressClass.Reserved),
        (IPNetwork.Parse("3fff::/20"), AddressClass.Reserved),
    ];

    private static readonly IPNetwork s_globalUnicast = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork s_nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork s_compatible = IPNetwork.Parse("::/96");
    private static readonly IPNetwork s_translatedIPv4 = IPNetwork.Parse("::ffff:0:0:0/96");
    private static readonly IPNetwork s_6to4 = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork s_teredo = IPNetwork.Parse("2001::/32");
    private static readonly IPNetwork s_ietfProtocols = IPNetwork.Parse("2001::/23");

    public static AddressClass Classify(IPAddress address)
    {
        address = ChannelHost.Normalize(address);
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return Find(s_ipv4, address)?.Class ?? AddressClass.Public;
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return AddressClass.Reserved;
        }

        if (Find(s_ipv6, address) is { } special)
        {
            return special.Class;
        }

        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out _);
        if (CarriesSpecialIPv4(address, octets))
        {
            return AddressClass.Translated;
        }

        if (s_nat64.Contains(address))
        {
            return AddressClass.Public;
        }

        return s_globalUnicast.Contains(address) && (!s_ietfProtocols.Contains(address) || s_teredo.Contains(address)) ? AddressClass.Public : AddressClass.Reserved;
    }

    /// <summary>
    /// Whether <paramref name="network"/> names <paramref name="address"/>, which is not public. The network must contain the address and must lie within the special
    /// block of the address. So 10.1.0.0/16 names 10.1.2.3, but 0.0.0.0/0 does not; and neither 0.0.0.0/0 nor 169.254.0.0/16 names 169.254.169.254. An IPv6 address that
    /// carries a special IPv4 address is named only by itself.
    /// </summary>
    public static bool Names(IPNetwork network, IPAddress address)
    {
        address = ChannelHost.Normalize(address);
        if (network.BaseAddress.AddressFamily != address.AddressFamily || !network.Contains(address))
        {
            return false;
        }

        IPNetwork? block = Find(address.AddressFamily == AddressFamily.InterNetwork ? s_ipv4 : s_ipv6, address)?.Network;
        int most = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        return network.PrefixLength >= (block?.PrefixLength ?? most);
    }

    private static (IPNetwork Network, AddressClass Class)? Find((IPNetwork Network, AddressClass Class)[] blocks, IPAddress address)
    {
        foreach ((IPNetwork Network, AddressClass Class) block in blocks)
        {
            if (block.Network.Contains(address))
            {
                return block;
            }
        }

        return null;
    }

    private static bool CarriesSpecialIPv4(IPAddress address, ReadOnlySpan<byte> octets)
    {
        if (s_nat64.Contains(address) || s_compatible.Contains(address) || s_translatedIPv4.Contains(address))
        {
            return IsSpecial(octets[12..]);
        }

        if (s_6to4.Contains(address))
        {
            return IsSpecial(octets.Slice(2, 4));
        }

        if (s_teredo.Contains(address))
        {
            Span<byte> client = [(byte)~octets[12], (byte)~octets[13], (byte)~octets[14], (byte)~octets[15]];
            return IsSpecial(octets.Slice(4, 4)) || IsSpecial(client);
        }

        // ISATAP (RFC 5214): 0000:5efe or 0200:5efe, then the IPv4 address.
        return octets[8] is 0 or 2 && octets.Slice(9, 3).SequenceEqual((ReadOnlySpan<byte>)[0x00, 0x5e, 0xfe]) && IsSpecial(octets[12..]);
    }

    private static bool IsSpecial(ReadOnlySpan<byte> ipv4) => Find(s_ipv4, new IPAddress(ipv4)) is not null;
}
