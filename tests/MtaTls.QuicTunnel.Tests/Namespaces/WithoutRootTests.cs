using System.Diagnostics;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>
/// The page's section "Running without root": root runs its commands in the namespaces of both ends, and client and concentrator run as a user without capabilities.
/// </summary>
[Collection("network namespaces")]
public sealed class WithoutRootTests : IDisposable
{
    // The usual mode of /dev/net/tun (udev's default) is 666. Where it is not, the process gets such a file in its own mount namespace, which "ip netns exec" creates.
    private const string AsNobody =
        """
        [ "$(stat -c %a /dev/net/tun)" = 666 ] || { mount -t tmpfs none /dev/net && mknod /dev/net/tun c 10 200 && chmod 666 /dev/net/tun; } || exit 9
        exec setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
        """;

    private static readonly string? s_whyNot = QuicEngine.UnsupportedReason ?? AccessNetworks.WhyNot() ?? WhyNoOtherUser();
    private static int s_count;
    private readonly AccessNetworks? _networks;
    private readonly TunnelProcesses? _tunnel;

    public WithoutRootTests()
    {
        if (s_whyNot is not null)
        {
            return;
        }

        _networks = new AccessNetworks($"nr{Environment.ProcessId % 100_000}-{Interlocked.Increment(ref s_count)}");
        _tunnel = new TunnelProcesses(_networks) { Launcher = ["sh", "-c", AsNobody, "sh"] };
        Shell($"chown -R nobody {_tunnel.Directory}");
    }

    public void Dispose()
    {
        _tunnel?.Dispose();
        _networks?.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Both_ends_work_as_a_user_without_capabilities_with_devices_that_root_has_created(int queues)
    {
        Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");
        string commands = CommandsOfThePage().Replace("user app", "user nobody" + (queues > 1 ? " multi_queue" : ""), StringComparison.Ordinal);
        Shell($"ip netns exec {_networks!.Concentrator} sh -ec '{commands}'");
        Shell($"ip netns exec {_networks.Client} sh -ec '{commands.Replace("10.99.0.1/24", "10.99.0.2/24", StringComparison.Ordinal).Replace("fd99::1/64", "fd99::2/64", StringComparison.Ordinal)}'");

        await _tunnel!.StartConcentratorAsync("--Urls", "http://10.99.0.1:8080", "--QuicTunnel:Interface:Queues", $"{queues}");
        await _tunnel.StartClientAsync("--QuicTunnelClient:Interface:Queues", $"{queues}");
        await _tunnel.WaitForAsync("is connected from", 2);
        foreach (Process process in _tunnel.Processes)
        {
            string[] status = await File.ReadAllLinesAsync($"/proc/{process.Id}/status", TestContext.Current.CancellationToken);
            Assert.Contains("Uid:\t65534\t65534\t65534\t65534", status);
            Assert.All(status.Where(static line => line.StartsWith("Cap", StringComparison.Ordinal)), static line => Assert.EndsWith("\t0000000000000000", line, StringComparison.Ordinal));
        }

        using Process curl = AccessNetworks.Start(_networks.Client, "curl", "-sS", "--fail", "--max-time", "100", "-o", "/dev/null", "-w", "%{size_download}", "http://10.99.0.1:8080/bytes/3000000");
        Assert.Equal("3000000", await curl.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        using Process ping = AccessNetworks.Start(_networks.Client, "ping", "-c", "2", "-i", "0.2", "-W", "10", "fd99::1");
        await ping.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, ping.ExitCode);
        // The application left the devices as they were.
        Assert.Contains("mtu 1280", Shell($"ip -n {_networks.Client} link show qt0"), StringComparison.Ordinal);
    }

    private static string CommandsOfThePage()
    {
        DirectoryInfo root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "MtaTls.AspNetCore.sln")))
        {
            root = root.Parent!;
        }

        string page = File.ReadAllText(Path.Combine(root.FullName, "docs", "quic-tunnel.md"));
        string section = page[page.IndexOf("## Running without root", StringComparison.Ordinal)..];
        int from = section.IndexOf("```sh", StringComparison.Ordinal) + "```sh".Length;
        return section[from..section.IndexOf("```", from, StringComparison.Ordinal)].Trim();
    }

    private static string? WhyNoOtherUser()
    {
        try
        {
            Shell("setpriv --reuid nobody --regid nogroup --clear-groups dotnet --list-runtimes");
            Shell($"setpriv --reuid nobody --regid nogroup --clear-groups test -r {typeof(TunnelProcesses).Assembly.Location}");
            return null;
        }
        catch (Exception exception) when (exception is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"no process can run as another user here: {exception.Message}";
        }
    }

    private static string Shell(string command)
    {
        using Process process = Process.Start(new ProcessStartInfo("sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd(), output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{command}: {error}{output}");
    }
}
