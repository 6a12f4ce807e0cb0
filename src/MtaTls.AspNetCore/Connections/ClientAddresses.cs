using System.Net;
using System.Net.Sockets;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The addresses that have connections now. An IPv4 address is one client, and so is a /64 of IPv6, because a client with one of its addresses has all of them.</summary>
internal sealed class ClientAddresses(MtaTlsLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, ClientAddress> _addresses = [];

    /// <summary>What all of them share.</summary>
    public MtaTlsReceiveBudget ServerBudget { get; } = new(limits.ServerReceiveBudget);

    /// <inheritdoc cref="ServerBudget"/>
    public MtaTlsSendBudget ServerSendBudget { get; } = new(limits.ServerSendBudget);

    /// <summary>How many addresses there are.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _addresses.Count;
            }
        }
    }

    /// <summary>The connections of the address that has most.</summary>
    public int MostConnections
    {
        get
        {
            lock (_lock)
            {
                int most = 0;
                foreach (ClientAddress address in _addresses.Values)
                {
                    most = Math.Max(most, address.Connections);
                }

                return most;
            }
        }
    }

    /// <summary>Counts a connection; <see cref="Leave"/> is to follow. Null, and nothing counted, where the address has as many as it may have.</summary>
    public ClientAddress? TryEnter(EndPoint? remote)
    {
        if (Key(remote) is not { } key)
        {
            // A Unix socket or a pipe: all its peers are of this machine, and no two of them can be told apart.
            return new ClientAddress(limits, ServerBudget, ServerSendBudget);
        }

        lock (_lock)
        {
            if (!_addresses.TryGetValue(key, out ClientAddress? address))
            {
                _addresses.Add(key, address = new ClientAddress(limits, ServerBudget, ServerSendBudget, this, key));
            }
            else if (limits.MaxSessionsPerAddress > 0 && address.Connections >= limits.MaxSessionsPerAddress)
            {
                return null;
            }

            address.Connections++;
            address.Holders++;
            return address;
        }
    }

    /// <summary>A connection that was counted has ended.</summary>
    public void Leave(ClientAddress address)
    {
        if (address.Key is null)
        {
            return;
        }

        lock (_lock)
        {
            address.Connections--;
        }

        Drop(address);
    }

    public void Hold(ClientAddress address)
    {
        lock (_lock)
        {
            address.Holders++;
        }
    }

    public void Drop(ClientAddress address)
    {
        lock (_lock)
        {
            if (--address.Holders == 0)
            {
                _addresses.Remove(address.Key!);
            }
        }
    }

    internal static IPAddress? Key(EndPoint? remote)
    {
        if (remote is not IPEndPoint { Address: { } address })
        {
            return null;
        }

        address = ChannelHost.Normalize(address);
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out _);
        octets[8..].Clear();
        return new IPAddress(octets);
    }
}
