using System.Net;
using System.Net.Sockets;

namespace MtaTls.QuicTunnel.Client;

/// <summary>The host's network interfaces, as far as the client asks.</summary>
internal interface INetworkMonitor : IDisposable
{
    /// <summary>Addresses or interfaces have changed. Comes on any thread, at times for nothing.</summary>
    event Action? Changed;

    /// <summary>Whether the host has the address, on an interface that is up.</summary>
    bool HasAddress(IPAddress address);

    /// <summary>Whether that interface is up and has the address.</summary>
    bool HasAddress(IPAddress address, string interfaceName);

    /// <summary>An address of that family of the interface, if it is there and up.</summary>
    IPAddress? FindAddress(string interfaceName, AddressFamily family);

    /// <summary>The address from which the routes would have packets for the destination go; null when there is no route.</summary>
    IPAddress? FindSource(IPAddress destination);
}
