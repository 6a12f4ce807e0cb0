using System.Diagnostics;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Support;
using MtaTls.Tests.Network;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>A TUN device in its own namespace, which other programs change.</summary>
[SupportedOSPlatform("linux")]
[Collection("network namespaces")]
public sealed class TunInterfaceTests : IDisposable
{
    private static readonly string? s_whyNot = AccessNetworks.WhyNot();
    private readonly string _name = $"qt-tun-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";
    private readonly RecordingLoggerProvider _logs = new();

    public TunInterfaceTests()
    {
        if (s_whyNot is null)
        {
            Ip("netns", "add", _name);
        }
    }

    public void Dispose()
    {
        if (s_whyNot is null)
        {
            Ip("netns", "delete", _name);
        }
    }

    [Fact]
    public async Task A_removed_device_is_noticed_and_created_again()
    {
        using TunInterface device = Start("10.99.0.2/24", "fd99::2/64");
        Assert.Null(device.Failure);
        Ip("-n", _name, "link", "delete", "qt0");
        await Wait.UntilAsync(() => _logs.Entries.Any(static entry => entry.Event == "InterfaceFailed"), "it was not noticed");
        await Wait.UntilAsync(() => device.Failure is null, "The device was not created again.");
        Assert.Contains("10.99.0.2/24", Addresses(), StringComparison.Ordinal);
        Assert.Contains("fd99::2/64", Addresses(), StringComparison.Ordinal);
        Assert.True(device.Write(IpPackets.Udp("10.99.0.1", "10.99.0.2", "x"u8)));
    }

    [Fact]
    public void The_device_has_a_queue_for_bursts_of_small_packets()
    {
        using TunInterface device = Start("10.99.0.2/24");
        Assert.Contains("qlen 4096", Ip("-n", _name, "link", "show", "qt0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_hooks_run_when_addresses_change()
    {
        Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");
        string heard = Path.GetTempFileName();
        string script = Path.ChangeExtension(heard, ".sh");
        await File.WriteAllTextAsync(script, $"#!/bin/sh\necho \"$1 $TUNNEL_HOOK $TUNNEL_INTERFACE $TUNNEL_ADDRESSES $TUNNEL_MTU\" >> {heard}\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            using (TunInterface device = Start(options =>
            {
                options.Up.Add(script);
                options.Up.Add("one argument");
                options.Down.Add(script);
            }))
            {
                Assert.Equal("", await File.ReadAllTextAsync(heard, TestContext.Current.CancellationToken));
                NamespaceSockets.Run(_name, () =>
                {
                    device.SetAddresses(["10.99.0.5/24", "fd99::5/64"]);
                    device.SetAddresses(["10.99.0.6/24", "fd99::5/64"]);
                    return 0;
                });
                Assert.Contains("10.99.0.6/24", Addresses(), StringComparison.Ordinal);
                Assert.Contains("fd99::5/64", Addresses(), StringComparison.Ordinal);
                Assert.DoesNotContain("10.99.0.5/24", Addresses(), StringComparison.Ordinal);
            }

            Assert.Equal(
                ["one argument up qt0 10.99.0.5/24 fd99::5/64 1280", "one argument up qt0 10.99.0.6/24 fd99::5/64 1280", " down qt0 10.99.0.6/24 fd99::5/64 1280"],
                await File.ReadAllLinesAsync(heard, TestContext.Current.CancellationToken));
        }
        finally
        {
            File.Delete(heard);
            File.Delete(script);
        }
    }

    [Fact]
    public void A_hook_that_fails_logs_an_error_and_the_device_works()
    {
        using TunInterface device = Start(options =>
        {
            options.Addresses.Add("10.99.0.2/24");
            options.Up.Add("/bin/sh");
            options.Up.Add("-c");
            options.Up.Add("exit 3");
        });
        Assert.Null(device.Failure);
        Assert.Contains(_logs.Entries, static entry => entry.Event == "HookFailed" && entry.Message.Contains("exit code 3", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_device_that_is_down_is_a_failure_and_gets_its_addresses_again_when_it_is_up()
    {
        using TunInterface device = Start("10.99.0.2/24", "fd99::2/64");
        Ip("-n", _name, "link", "set", "qt0", "down");
        await Wait.UntilAsync(() => device.Failure is not null, "it was not noticed");
        Assert.DoesNotContain("fd99::2/64", Addresses(), StringComparison.Ordinal);
        Ip("-n", _name, "link", "set", "qt0", "up");
        await Wait.UntilAsync(() => device.Failure is null && Addresses().Contains("fd99::2/64", StringComparison.Ordinal), "the address did not come back");
    }

    [Fact]
    public async Task An_exception_at_a_packet_is_logged_and_the_device_goes_on()
    {
        var receiver = new FailingReceiver();
        using TunInterface device = Start(static options => options.Addresses.Add("10.99.0.2/24"), receiver);
        Ip("netns", "exec", _name, "ping", "-c", "1", "-W", "1", "10.99.0.1");
        await Wait.UntilAsync(() => _logs.Entries.Any(static entry => entry.Event == "PacketFailed"), "it was not logged");
        receiver.Fails = false;
        await Wait.UntilAsync(
            () =>
            {
                Ip("netns", "exec", _name, "ping", "-c", "1", "-W", "1", "10.99.0.1");
                return receiver.Received > 0;
            },
            "no packet comes any more");
        Assert.Null(device.Failure);
    }

    [Fact]
    public void Without_IPv6_on_the_host_the_device_works_with_IPv4_and_logs_a_warning()
    {
        Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");
        Ip("netns", "exec", _name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        using TunInterface device = Start("10.99.0.2/24", "fd99::2/64");
        Assert.Null(device.Failure);
        Assert.Contains("10.99.0.2/24", Addresses(), StringComparison.Ordinal);
        Assert.Contains(_logs.Entries, static entry => entry.Event == "IPv6Disabled" && entry.Message.Contains("fd99::2/64", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_IPv6_on_the_host_a_device_with_only_IPv6_fails_with_the_reason()
    {
        Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");
        Ip("netns", "exec", _name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        IOException exception = Assert.Throws<IOException>(() => Start("fd99::2/64"));
        Assert.Contains("IPv6 is disabled on this host", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("root", exception.Message, StringComparison.Ordinal);
    }

    private TunInterface Start(params string[] addresses) => Start(options =>
    {
        foreach (string address in addresses)
        {
            options.Addresses.Add(address);
        }
    });

    private TunInterface Start(Action<TunnelInterfaceOptions> configure, IPacketReceiver? receiver = null)
    {
        Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");
        var options = new TunnelInterfaceOptions();
        configure(options);
        return NamespaceSockets.Run(_name, () =>
        {
            var device = new TunInterface(options, _logs.CreateLogger(""));
            device.Start(receiver ?? new Nobody());
            return device;
        });
    }

    private string Addresses() => Ip("-n", _name, "-o", "address", "show", "dev", "qt0");

    private static string Ip(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    private sealed class Nobody : IPacketReceiver
    {
        public void OnPacket(ReadOnlySpan<byte> packet, SendBatch? batch)
        {
        }

        public void OnNotWritten(int packets)
        {
        }
    }

    private sealed class FailingReceiver : IPacketReceiver
    {
        private volatile bool _fails = true;
        private int _received;

        public bool Fails
        {
            set => _fails = value;
        }

        public int Received => Volatile.Read(ref _received);

        public void OnPacket(ReadOnlySpan<byte> packet, SendBatch? batch)
        {
            if (_fails)
            {
                throw new InvalidOperationException("the session fails");
            }

            Interlocked.Increment(ref _received);
        }

        public void OnNotWritten(int packets)
        {
        }
    }
}
