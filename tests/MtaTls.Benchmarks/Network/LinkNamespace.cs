using System.Diagnostics;

namespace MtaTls.Benchmarks.Network;

/// <summary>A network namespace of the benchmark with the device of a <see cref="PacketLink"/>.</summary>
internal sealed class LinkNamespace : IDisposable
{
    private LinkNamespace(string name) => Name = name;

    public string Name { get; }

    /// <summary>Returns why this machine cannot have one; null if it can.</summary>
    public static string? WhyNot() =>
        !OperatingSystem.IsLinux() || Environment.UserName != "root" ? "a packet link needs root on Linux" :
        !File.Exists("/dev/net/tun") ? "there is no /dev/net/tun" :
        !TryRun("ip", "netns", "list") ? "iproute2 is not installed, or network namespaces are not allowed" : null;

    public static LinkNamespace Create(string congestionControl)
    {
        string name = $"mtatls-bench-{Environment.ProcessId}";
        TryRun("ip", "netns", "delete", name);
        Run("ip", "netns", "add", name);
        var created = new LinkNamespace(name);
        created.RunInside("ip", "link", "set", "lo", "up");
        created.RunInside("ip", "tuntap", "add", "dev", PacketLink.DeviceName, "mode", "tun");
        created.RunInside("ip", "address", "add", PacketLink.NearAddress + "/24", "dev", PacketLink.DeviceName);
        created.RunInside("ip", "link", "set", PacketLink.DeviceName, "up", "mtu", "1500");
        created.RunInside("sysctl", "-q", "-w", $"net.ipv4.tcp_congestion_control={congestionControl}");
        created.RunInside("sysctl", "-q", "-w", "net.ipv4.tcp_no_metrics_save=1");
        return created;
    }

    public void Dispose() => TryRun("ip", "netns", "delete", Name);

    private void RunInside(params string[] command) => Run("ip", ["netns", "exec", Name, .. command]);

    private static void Run(string program, params string[] arguments)
    {
        if (!TryRun(program, arguments))
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed.");
        }
    }

    private static bool TryRun(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
