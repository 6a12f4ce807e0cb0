using System.Net;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>The configured addresses as numbers, with their rules: the addresses of each identity, and the pool.</summary>
internal sealed class AddressPlan
{
    private readonly Dictionary<string, UInt128[]> _identities = new(StringComparer.Ordinal);
    private readonly HashSet<UInt128> _reserved = [];
    private readonly List<(Range Range, int Length)> _networks = [];
    private readonly Range[] _pool;

    public AddressPlan(TunnelAddressOptions addresses, TunnelInterfaceOptions @interface)
    {
        (MaxPerSession, RestPeriod, AllowsClientToClient) = (addresses.MaxPerSession, addresses.RestPeriod, addresses.AllowClientToClient);
        foreach (string entry in @interface.Addresses)
        {
            (UInt128 address, IPNetwork network) = Parse(entry);
            OwnAddresses.Add(address);
            _networks.Add((Range.Of(network), network.PrefixLength));
            ReserveEnds(network);
        }

        foreach ((string identity, IList<string> listed) in addresses.Identities)
        {
            _identities[identity] = [.. listed.Select(address => IpHeader.ToUInt128(IPAddress.Parse(address)))];
            _reserved.UnionWith(_identities[identity]);
        }

        _reserved.UnionWith(OwnAddresses);
        _pool = new Range[addresses.Pool.Count];
        for (int i = 0; i < _pool.Length; i++)
        {
            (UInt128 _, IPNetwork network) = Parse(addresses.Pool[i]);
            _pool[i] = Range.Of(network);
            ReserveEnds(network);
        }
    }

    /// <summary>The concentrator's own addresses in the tunnel.</summary>
    public HashSet<UInt128> OwnAddresses { get; } = [];

    /// <summary>The most pool addresses of one session.</summary>
    public int MaxPerSession { get; }

    /// <summary>How long a pool address is not assigned to another identity after its session has ended.</summary>
    public TimeSpan RestPeriod { get; }

    /// <summary>Whether clients may send packets to each other.</summary>
    public bool AllowsClientToClient { get; }

    public ReadOnlySpan<UInt128> ListedFor(string? identity) =>
        identity is not null && _identities.TryGetValue(identity, out UInt128[]? listed) ? listed : default;

    /// <summary>Whether the address is in the pool and may be assigned.</summary>
    public bool IsInPool(UInt128 address)
    {
        foreach (ref readonly Range range in _pool.AsSpan())
        {
            if (address >= range.First && address <= range.Last)
            {
                return !_reserved.Contains(address) && !IpHeader.IsLinkScoped(address);
            }
        }

        return false;
    }

    /// <summary>Returns the prefix length of the concentrator's network that contains the address; 32 or 128 if none does.</summary>
    public byte PrefixLengthOf(UInt128 address)
    {
        foreach ((Range range, int length) in _networks)
        {
            if (address >= range.First && address <= range.Last)
            {
                return (byte)length;
            }
        }

        return (byte)(IpHeader.IsMappedIPv4(address) ? 32 : 128);
    }

    /// <summary>Enumerates the pool addresses of one family.</summary>
    public IEnumerable<UInt128> EnumeratePool(bool isIPv4)
    {
        foreach (Range range in _pool)
        {
            for (UInt128 address = range.First; IpHeader.IsMappedIPv4(range.First) == isIPv4; address++)
            {
                if (IsInPool(address))
                {
                    yield return address;
                }

                if (address == range.Last)
                {
                    break;
                }
            }
        }
    }

    private static (UInt128 Address, IPNetwork Network) Parse(string prefix)
    {
        int slash = prefix.IndexOf('/');
        var address = IPAddress.Parse(prefix.AsSpan(0, slash));
        return (IpHeader.ToUInt128(address), Prefixes.NetworkOf(address, int.Parse(prefix.AsSpan(slash + 1))));
    }

    // Reserves the network address and, for IPv4, the broadcast address. In IPv6 the first address is the subnet-router anycast address (RFC 4291, section 2.6.1).
    private void ReserveEnds(IPNetwork network)
    {
        var range = Range.Of(network);
        if (range.Last - range.First < 2)
        {
            return;
        }

        _reserved.Add(range.First);
        if (IpHeader.IsMappedIPv4(range.First))
        {
            _reserved.Add(range.Last);
        }
    }

    private readonly record struct Range(UInt128 First, UInt128 Last)
    {
        public static Range Of(IPNetwork network)
        {
            var first = IpHeader.ToUInt128(network.BaseAddress);
            int hostBits = (IpHeader.IsMappedIPv4(first) ? 32 : 128) - network.PrefixLength;
            UInt128 hosts = hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
            return new Range(first, first | hosts);
        }
    }
}
