using System.Net;
using System.Net.Sockets;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The client addresses that have connections now. An IPv4 address counts as one client, and so does a /64 of IPv6, because a client usually owns a whole /64.</summary>
internal sealed class ClientAddresses(MtaTlsLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, ClientAddress> _addresses = [];

    /// <summary>The budget that all addresses share.</summary>
    public MtaTlsReceiveBudget ServerBudget { get; } = new(limits.ServerReceiveBudget);

    /// <inheritdoc cref="ServerBudget"/>
    public MtaTlsSendBudget ServerSendBudget { get; } = new(limits.ServerSendBudget);

    /// <summary>The number of addresses.</summary>
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

    /// <summary>The number of connections of the address that has the most.</summary>
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

    /// <summary>Counts a connection; call <see cref="Leave"/> when it ends. Returns null and counts nothing if the address has as many connections as it may have.</summary>
    public ClientAddress? TryEnter(EndPoint? remote)
    {
        if (Key(remote) is not { } key)
        {
            // A Unix socket or a pipe: its peers run on this machine and cannot be told apart, so no limit per address applies.
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

    /// <summary>Stops counting a connection.</summary>
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
