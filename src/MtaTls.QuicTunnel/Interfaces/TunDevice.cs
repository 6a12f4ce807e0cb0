using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Configuration;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Opens a TUN device and configures it. Settings that an administrator has made beforehand are not changed, and need no privileges.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe class TunDevice
{
    private const string ClonePath = "/dev/net/tun";

    /// <summary>Opens the device and returns one descriptor for each queue.</summary>
    public static int[] Open(TunnelInterfaceOptions options, ILogger logger, out TunOffload offload)
    {
        offload = options.Offload ? TunOffload.TcpAndUdp : TunOffload.None;
        int[] descriptors = new int[options.Queues];
        Array.Fill(descriptors, -1);
        try
        {
            for (int i = 0; i < descriptors.Length; i++)
            {
                descriptors[i] = OpenQueue(options.Name, options.Queues > 1, ref offload);
            }

            SetUp(options, logger);
            return descriptors;
        }
        catch
        {
            foreach (int descriptor in descriptors.Where(descriptor => descriptor >= 0))
            {
                _ = LinuxNative.Close(descriptor);
            }

            throw;
        }
    }

    private static int OpenQueue(string name, bool multiQueue, ref TunOffload offload)
    {
        int descriptor = LinuxNative.Open(ClonePath, LinuxNative.O_RDWR | LinuxNative.O_NONBLOCK | LinuxNative.O_CLOEXEC);
        if (descriptor < 0)
        {
            throw Failed($"open {ClonePath}", name, LinuxNative.LastError);
        }

        int error = Attach(descriptor, name, multiQueue, offload);
        // An existing device is single-queue or multi-queue, whatever is requested. One queue of it is enough here.
        if (error == LinuxNative.EINVAL && !multiQueue)
        {
            error = Attach(descriptor, name, multiQueue: true, offload);
        }

        if (error == 0)
        {
            offload = SetOffload(descriptor, offload);
            return descriptor;
        }

        _ = LinuxNative.Close(descriptor);
        throw Failed("attach to the TUN device", name, error);
    }

    // Every user of a device must set the offload again, because an existing device keeps the setting of its last user.
    private static TunOffload SetOffload(int descriptor, TunOffload wanted)
    {
        const nuint Tcp = LinuxNative.TUN_F_CSUM | LinuxNative.TUN_F_TSO4 | LinuxNative.TUN_F_TSO6, Udp = LinuxNative.TUN_F_USO4 | LinuxNative.TUN_F_USO6;
        if (wanted == TunOffload.TcpAndUdp && LinuxNative.IoCtl(descriptor, LinuxNative.TUNSETOFFLOAD, Tcp | Udp) == 0)
        {
            return TunOffload.TcpAndUdp;
        }

        _ = LinuxNative.IoCtl(descriptor, LinuxNative.TUNSETOFFLOAD, wanted == TunOffload.None ? 0 : Tcp);
        return wanted == TunOffload.None ? TunOffload.None : TunOffload.Tcp;
    }

    private static int Attach(int descriptor, string name, bool multiQueue, TunOffload offload)
    {
        var request = new LinuxNative.InterfaceRequest(name)
        {
            Flags = (short)(LinuxNative.IFF_TUN | LinuxNative.IFF_NO_PI | (multiQueue ? LinuxNative.IFF_MULTI_QUEUE : 0) | (offload != TunOffload.None ? LinuxNative.IFF_VNET_HDR : 0)),
        };
        return LinuxNative.IoCtl(descriptor, LinuxNative.TUNSETIFF, &request) < 0 ? LinuxNative.LastError : 0;
    }

    /// <summary>Sets the MTU, addresses and routes that the device does not have yet.</summary>
    public static void SetUp(TunnelInterfaceOptions options, ILogger logger)
    {
        int index = (int)LinuxNative.IfNameToIndex(options.Name);
        using var netlink = new RouteNetlink();
        // Kernels without IPv6 refuse this, and do not need it.
        _ = netlink.ForgoLinkLocal(index);
        if (!IsUpWith(options.Name, options.Mtu))
        {
            Check("set the size and state of", options.Name, netlink.SetUp(index, options.Mtu));
        }

        bool hasIPv6 = HasIPv6(options.Name);
        if (!hasIPv6 && options.Addresses.Count > 0 && options.Addresses.All(static entry => entry.Contains(':')))
        {
            throw new IOException($"Cannot give {options.Name} its addresses ({string.Join(", ", options.Addresses)}): IPv6 is disabled on this host. Set net.ipv6.conf.all.disable_ipv6=0, or add an IPv4 address.");
        }

        HashSet<(IPAddress Address, int PrefixLength)> present = AddressesOf(options.Name);
        foreach (string entry in options.Addresses)
        {
            (IPAddress? address, int length) = Split(entry);
            if (!hasIPv6 && address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                logger.IPv6Disabled(options.Name, entry);
            }
            else if (!present.Contains((address, length)))
            {
                Check($"give the address {entry} to", options.Name, netlink.AddAddress(index, address, length));
            }
        }

        foreach (string entry in options.Routes)
        {
            SetRoute(netlink, index, options.Name, entry, hasIPv6, logger);
        }
    }

    /// <summary>Removes addresses from the device.</summary>
    public static void Remove(string name, IEnumerable<string> addresses)
    {
        int index = (int)LinuxNative.IfNameToIndex(name);
        using var netlink = new RouteNetlink();
        foreach (string entry in addresses)
        {
            (IPAddress address, int length) = Split(entry);
            _ = netlink.RemoveAddress(index, address, length);
        }
    }

    /// <summary>Whether the device exists and is up.</summary>
    public static bool IsUp(string name) => (GetFlags(name) & LinuxNative.IFF_UP) != 0;

    /// <summary>Whether the device lacks an address that it can have. Without IPv6 on the host, IPv6 addresses do not count.</summary>
    public static bool LacksAddresses(TunnelInterfaceOptions options)
    {
        HashSet<(IPAddress, int)> present = AddressesOf(options.Name);
        bool hasIPv6 = HasIPv6(options.Name);
        return options.Addresses.Select(Split).Any(wanted =>
            !present.Contains(wanted) && (hasIPv6 || wanted.Address.AddressFamily == AddressFamily.InterNetwork));
    }

    private static void SetRoute(RouteNetlink netlink, int index, string name, string entry, bool hasIPv6, ILogger logger)
    {
        (IPAddress? address, int length) = Split(entry);
        if (!hasIPv6 && address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            logger.IPv6Disabled(name, entry);
            return;
        }

        int error = netlink.AddRoute(index, Prefixes.NetworkOf(address, length));
        // Without the right to set routes, the administrator must set them, like the device.
        if (error is LinuxNative.EPERM or LinuxNative.EACCES)
        {
            logger.RouteNotSet(name, entry);
        }
        else if (error != LinuxNative.EEXIST)
        {
            Check($"route {entry} into", name, error);
        }
    }

    private static HashSet<(IPAddress Address, int PrefixLength)> AddressesOf(string name) =>
        NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(candidate => candidate.Name == name)?
            .GetIPProperties().UnicastAddresses.Select(address => (address.Address, address.PrefixLength)).ToHashSet() ?? [];

    // Docker's default: the kernel supports IPv6, but it is disabled for every device.
    private static bool HasIPv6(string name)
    {
        try
        {
            return File.ReadAllText($"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").Trim() == "0";
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static int GetFlags(string name)
    {
        int socket = LinuxNative.Socket(LinuxNative.AF_INET, LinuxNative.SOCK_DGRAM | LinuxNative.SOCK_CLOEXEC, 0);
        var flags = new LinuxNative.InterfaceRequest(name);
        int result = LinuxNative.IoCtl(socket, LinuxNative.SIOCGIFFLAGS, &flags);
        _ = LinuxNative.Close(socket);
        return result == 0 ? flags.Flags : 0;
    }

    private static (IPAddress Address, int Length) Split(string prefix)
    {
        int slash = prefix.IndexOf('/');
        return (IPAddress.Parse(prefix.AsSpan(0, slash)), int.Parse(prefix.AsSpan(slash + 1)));
    }

    private static bool IsUpWith(string name, int mtu)
    {
        int socket = LinuxNative.Socket(LinuxNative.AF_INET, LinuxNative.SOCK_DGRAM | LinuxNative.SOCK_CLOEXEC, 0);
        if (socket < 0)
        {
            return false;
        }

        var flags = new LinuxNative.InterfaceRequest(name);
        var size = new LinuxNative.InterfaceRequest(name);
        bool isSo = LinuxNative.IoCtl(socket, LinuxNative.SIOCGIFFLAGS, &flags) == 0 && (flags.Flags & LinuxNative.IFF_UP) != 0
            && LinuxNative.IoCtl(socket, LinuxNative.SIOCGIFMTU, &size) == 0 && size.Value == mtu;
        _ = LinuxNative.Close(socket);
        return isSo;
    }

    private static void Check(string what, string name, int error)
    {
        if (error != 0)
        {
            throw Failed(what, name, error);
        }
    }

    private static Exception Failed(string what, string name, int error)
    {
        string message = $"Cannot {what} ({name}): {LinuxNative.Describe(error)}.";
        return error switch
        {
            LinuxNative.EPERM or LinuxNative.EACCES => new UnauthorizedAccessException(
                $"{message} Run as root or with CAP_NET_ADMIN, or let an administrator create the device beforehand: ip tuntap add dev {name} mode tun user <user>; "
                + $"ip address add <address> dev {name}; ip link set {name} mtu <mtu> up."),
            LinuxNative.ENOENT => new IOException($"{message} The kernel has no TUN devices. Load the module 'tun', or give the container /dev/net/tun."),
            LinuxNative.EBUSY => new IOException($"{message} Another process uses the device."),
            _ => new IOException(message),
        };
    }
}
