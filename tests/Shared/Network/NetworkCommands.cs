using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace MtaTls.Tests.Network;

/// <summary>Makes and changes network namespaces with the programs of the system.</summary>
internal static class NetworkCommands
{
    /// <summary>What <c>ip</c> does with these arguments, which have no spaces.</summary>
    public static string Ip(string arguments) => Run("ip", arguments.Split(' '));

    /// <summary>Runs a program in a namespace.</summary>
    public static string In(string name, params string[] command) => Run("ip", ["netns", "exec", name, .. command]);

    /// <summary>Changes the packet filters of a namespace.</summary>
    public static void Nft(string name, string script) => In(name, "nft", script);

    /// <summary>Sets what is below <c>/proc/sys/net</c> in a namespace.</summary>
    public static void Write(string name, string setting, int value) => In(name, "sh", "-c", string.Create(CultureInfo.InvariantCulture, $"echo {value} > /proc/sys/net/{setting}"));

    /// <summary>Makes a namespace in which only the loopback is up.</summary>
    public static void Add(string name)
    {
        Ip($"netns add {name}");
        Ip($"-n {name} link set lo up");
    }

    /// <summary>Removes a namespace, and the links in it; it may not be there.</summary>
    public static void Delete(string name)
    {
        try
        {
            Ip($"netns delete {name}");
        }
        catch (InvalidOperationException)
        {
            // It was not made.
        }
    }

    /// <summary>Links two namespaces, each end with its address.</summary>
    public static void Link((string Name, string Device, string Address) one, (string Name, string Device, string Address) other)
    {
        Ip($"link add {one.Device} netns {one.Name} type veth peer name {other.Device} netns {other.Name}");
        foreach ((string name, string device, string address) in ((string, string, string)[])[one, other])
        {
            Ip($"-n {name} address add {address} dev {device}");
            Ip($"-n {name} link set {device} up");
        }
    }

    /// <summary>Links a namespace with the host's. The link goes with the namespace.</summary>
    public static void LinkToHost(string device, string address, (string Name, string Device, string Address) other)
    {
        Ip($"link add {device} type veth peer name {other.Device} netns {other.Name}");
        Ip($"address add {address} dev {device}");
        Ip($"link set {device} up");
        Ip($"-n {other.Name} address add {other.Address} dev {other.Device}");
        Ip($"-n {other.Name} link set {other.Device} up");
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="InvalidOperationException">It is not installed, or has failed.</exception>
    public static string Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Result.Trim()}");
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"{program} is not installed.", e);
        }
    }

    /// <summary>Why namespaces can't be made here; null: they can.</summary>
    /// <param name="build">Makes and removes what is needed.</param>
    public static string? WhyNot(Action build)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return "Only root may make network namespaces, on Linux.";
        }

        try
        {
            build();
            return null;
        }
        catch (InvalidOperationException e)
        {
            return $"Network namespaces with packet filters can't be made here: {e.Message}";
        }
    }
}
