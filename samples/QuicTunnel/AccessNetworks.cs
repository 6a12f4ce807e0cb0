using System.Diagnostics;

namespace QuicTunnelSample;

/// <summary>
/// A client with two access networks to a concentrator, as network namespaces of this host. Creating them needs root. <see cref="Dispose"/> removes them.
/// <code>
///                 a0 .2 ---- 10.201.1.0/24 ---- [ A ] ---- 10.202.1.0/24 ---- .2 a0
///   [ client ]                                                                      [ concentrator ] 10.200.0.1
///                 b0 .2 ---- 10.201.2.0/24 ---- [ B ] ---- 10.202.2.0/24 ---- .2 b0
/// </code>
/// </summary>
public sealed class AccessNetworks : IDisposable
{
    public const string ConcentratorAddress = "10.200.0.1";
    private readonly string _id;

    private readonly bool _isEmulated;

    /// <param name="id">A part of the names of the namespaces, so that several instances can exist.</param>
    /// <param name="isEmulated">Whether the access networks do not route: a link emulator in them forwards frames between their two links.</param>
    public AccessNetworks(string id, bool isEmulated = false)
    {
        _id = id;
        _isEmulated = isEmulated;
        try
        {
            foreach (string name in new[] { Client, Access('a'), Access('b'), Concentrator })
            {
                Ip($"netns add {name}");
                Ip($"-n {name} link set lo up");
                // Without this, the kernel drops packets of one path as spoofed, because the other path has the better route.
                Shell(name, "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter");
            }

            Ip($"-n {Concentrator} address add {ConcentratorAddress}/32 dev lo");
            AddAccess('a', 1);
            AddAccess('b', 2);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Client => $"qt-{_id}-client";

    public string Concentrator => $"qt-{_id}-conc";

    /// <summary>Returns why namespaces cannot be created here; null if they can.</summary>
    public static string? WhyNot()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "network namespaces exist only on Linux";
        }

        if (Environment.UserName != "root")
        {
            return "creating network namespaces needs root";
        }

        if (!File.Exists("/dev/net/tun"))
        {
            return "the kernel has no TUN devices";
        }

        string name = $"qt-probe-{Environment.ProcessId}";
        try
        {
            Ip($"netns add {name}");
            Ip($"-n {name} link add p0 type veth peer name p1");
            return null;
        }
        catch (Exception exception)
        {
            return $"network namespaces cannot be created here: {exception.Message}";
        }
        finally
        {
            TryIp($"netns delete {name}");
        }
    }

    public string Access(char network) => $"qt-{_id}-{network}";

    public static string ClientAddress(char network) => $"10.201.{(network == 'a' ? 1 : 2)}.2";

    /// <summary>Takes the client's link to an access network down at the far end. The client is not told.</summary>
    public void Cut(char network) => Ip($"-n {Access(network)} link set c0 down");

    public void Mend(char network) => Ip($"-n {Access(network)} link set c0 up");

    /// <summary>Replaces the client's address in an access network.</summary>
    public void Roam(char network, string address)
    {
        int table = network == 'a' ? 101 : 102;
        int net = network == 'a' ? 1 : 2;
        Ip($"-n {Client} address delete {ClientAddress(network)}/24 dev {network}0");
        Ip($"-n {Client} address add {address}/24 dev {network}0");
        Ip($"-n {Client} route replace default via 10.201.{net}.1 dev {network}0 table {table}");
        Ip($"-n {Client} route replace default via 10.201.{net}.1 dev {network}0 metric {table}");
        Ip($"-n {Client} rule add from {address} table {table}");
    }

    /// <summary>Sets the MTU of an access network, both ways. Its router answers larger packets with ICMP.</summary>
    public void Narrow(char network, int mtu)
    {
        Ip($"-n {Access(network)} link set c0 mtu {mtu}");
        Ip($"-n {Access(network)} link set s0 mtu {mtu}");
    }

    /// <summary>Limits an access network's rate, both ways, with a queue of 50 ms.</summary>
    public void Shape(char network, int megabits)
    {
        foreach (string device in new[] { "c0", "s0" })
        {
            Run("tc", $"-n {Access(network)} qdisc replace dev {device} root tbf rate {megabits}mbit burst 64kb latency 50ms");
        }
    }

    /// <summary>Starts a program in one of the namespaces.</summary>
    public static Process Start(string name, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("ip") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[] { "netns", "exec", name, program }.Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    public void Dispose()
    {
        foreach (string name in new[] { Client, Access('a'), Access('b'), Concentrator })
        {
            TryIp($"netns delete {name}");
        }
    }

    private void AddAccess(char network, int number)
    {
        string name = Access(network);
        int table = 100 + number;
        Ip($"link add c0 netns {name} type veth peer name {network}0 netns {Client}");
        Ip($"link add s0 netns {name} type veth peer name {network}0 netns {Concentrator}");
        Ip($"-n {Client} address add 10.201.{number}.2/24 dev {network}0");
        if (_isEmulated)
        {
            Ip($"-n {Concentrator} address add 10.201.{number}.1/24 dev {network}0");
        }
        else
        {
            Ip($"-n {name} address add 10.201.{number}.1/24 dev c0");
            Ip($"-n {name} address add 10.202.{number}.1/24 dev s0");
            Ip($"-n {Concentrator} address add 10.202.{number}.2/24 dev {network}0");
        }

        foreach ((string place, string device) in new[] { (name, "c0"), (name, "s0"), (Client, $"{network}0"), (Concentrator, $"{network}0") })
        {
            Ip($"-n {place} link set {device} up");
        }

        if (!_isEmulated)
        {
            Shell(name, "echo 1 > /proc/sys/net/ipv4/ip_forward");
            Ip($"-n {name} route add {ConcentratorAddress} via 10.202.{number}.2");
            Ip($"-n {Concentrator} route add 10.201.{number}.0/24 via 10.202.{number}.1");
        }

        // Packets from an address must leave through its access network.
        Ip($"-n {Client} route add default via 10.201.{number}.1 dev {network}0 table {table}");
        Ip($"-n {Client} route add default via 10.201.{number}.1 dev {network}0 metric {table}");
        Ip($"-n {Client} rule add from 10.201.{number}.2 table {table}");
    }

    private static void Shell(string name, string command) => Run("ip", ["netns", "exec", name, "sh", "-c", command]);

    private static void Ip(string arguments) => Run("ip", arguments);

    private static void TryIp(string arguments)
    {
        try
        {
            Ip(arguments);
        }
        catch (InvalidOperationException)
        {
            // The namespace does not exist.
        }
    }

    private static void Run(string program, string arguments) => Run(program, arguments.Split(' '));

    private static void Run(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Trim()}");
        }
    }
}
