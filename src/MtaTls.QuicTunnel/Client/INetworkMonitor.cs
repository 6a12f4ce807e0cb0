using System.Net;
using System.Net.Sockets;

namespace MtaTls.QuicTunnel.Client;

/// <summary>The host's network interfaces and routes.</summary>
internal interface INetworkMonitor : IDisposable
{
    /// <summary>Raised when addresses or interfaces may have changed. It comes on any thread, sometimes without a change.</summary>
    event Action? Changed;

    /// <summary>Whether an interface that is up has the address.</summary>
    bool HasAddress(IPAddress address);

    /// <summary>Whether the named interface is up and has the address.</summary>
    bool HasAddress(IPAddress address, string interfaceName);

    /// <summary>Finds an address of the family on the interface; null if there is none, or the interface is missing or down.</summary>
    IPAddress? FindAddress(string interfaceName, AddressFamily family);

    /// <summary>Finds the source address that the routes choose for the destination; null if there is no route.</summary>
    IPAddress? FindSource(IPAddress destination);
}
