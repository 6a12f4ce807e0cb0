using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace MtaTls.QuicTunnel.Client;

/// <summary>Reads interfaces and routes from the operating system.</summary>
internal sealed class SystemNetworkMonitor : INetworkMonitor
{
    public SystemNetworkMonitor()
    {
        NetworkChange.NetworkAddressChanged += OnChanged;
        NetworkChange.NetworkAvailabilityChanged += OnChanged;
    }

    public event Action? Changed;

    public bool HasAddress(IPAddress address) =>
        UpInterfaces().Any(candidate => Addresses(candidate).Any(address.Equals));

    public bool HasAddress(IPAddress address, string interfaceName) =>
        UpInterfaces().Where(candidate => candidate.Name == interfaceName).SelectMany(Addresses).Contains(address);

    public IPAddress? FindAddress(string interfaceName, AddressFamily family) =>
        UpInterfaces().Where(candidate => candidate.Name == interfaceName)
            .SelectMany(Addresses)
            .FirstOrDefault(address => address.AddressFamily == family && !address.IsIPv6LinkLocal);

    public IPAddress? FindSource(IPAddress destination)
    {
        try
        {
            // Connecting a UDP socket sends nothing. It only looks up the route.
            using var socket = new Socket(destination.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
#pragma warning disable RS0030 // Connect does not block on a UDP socket.
            socket.Connect(destination, 9);
#pragma warning restore RS0030
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        NetworkChange.NetworkAddressChanged -= OnChanged;
        NetworkChange.NetworkAvailabilityChanged -= OnChanged;
    }

    private static IEnumerable<NetworkInterface> UpInterfaces() =>
        NetworkInterface.GetAllNetworkInterfaces().Where(candidate => candidate.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown);

    private static IEnumerable<IPAddress> Addresses(NetworkInterface candidate) =>
        candidate.GetIPProperties().UnicastAddresses.Select(unicast => unicast.Address);

    private void OnChanged(object? sender, EventArgs arguments) => Changed?.Invoke();
}
