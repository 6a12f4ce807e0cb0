using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Sessions;
using MtaTls.Tests.Network;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>Two TUN devices in two namespaces. Each device forwards the packets of its host to the other, with the kernel's TCP and UDP on both hosts.</summary>
[SupportedOSPlatform("linux")]
[Collection("network namespaces")]
public sealed class TunOffloadTests : IDisposable
{
    private static readonly string? s_whyNot = AccessNetworks.WhyNot();
    private readonly string _one = $"qt-o1-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";
    private readonly string _two = $"qt-o2-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";
    private readonly List<TunInterface> _devices = [];

    public TunOffloadTests()
    {
        if (s_whyNot is null)
        {
            Ip("netns", "add", _one);
            Ip("netns", "add", _two);
        }
    }

    public void Dispose()
    {
        _devices.ForEach(static device => device.Dispose());
        if (s_whyNot is null)
        {
            Ip("netns", "delete", _one);
            Ip("netns", "delete", _two);
        }
    }

    [Theory]
    [InlineData("10.99.0.1", "10.99.0.2", true)]
    [InlineData("fd99::1", "fd99::2", true)]
    [InlineData("10.99.0.1", "10.99.0.2", false)]
    public async Task A_TCP_stream_is_complete_and_with_offload_its_packets_are_merged_at_both_hosts(string from, string to, bool offload)
    {
        const int Length = 20_000_000;
        (Crossing one, Crossing two) = Connect(offload);
        byte[] sent = new byte[Length];
        new Random(1).NextBytes(sent);
        using Socket listener = NamespaceSockets.Run(_two, () =>
        {
            var socket = new Socket(IPAddress.Parse(to).AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(to), 0));
            socket.Listen();
            return socket;
        });
        using Socket client = NamespaceSockets.Run(_one, () => new Socket(IPAddress.Parse(from).AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        await client.ConnectAsync(listener.LocalEndPoint!, TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Task sending = client.SendAsync(sent, TestContext.Current.CancellationToken).AsTask();
        byte[] received = new byte[Length];
        await using var stream = new NetworkStream(server);
        await stream.ReadExactlyAsync(received, TestContext.Current.CancellationToken);
        await sending;
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(received));
        Assert.InRange(one.Packets, Length / 1240, long.MaxValue);
        Assert.Equal(0, one.NotWritten + two.NotWritten);

        // The devices count merged packets.
        long left = Count(_one, "tx_packets"), came = Count(_two, "rx_packets");
        if (offload)
        {
            Assert.InRange(left, 1, one.Packets / 3);
            Assert.InRange(came, 1, one.Packets * 2 / 3);
        }
        else
        {
            Assert.InRange(left, one.Packets, long.MaxValue);
            Assert.InRange(came, one.Packets, long.MaxValue);
        }
    }

    [Theory]
    [InlineData("10.99.0.1", "10.99.0.2")]
    [InlineData("fd99::1", "fd99::2")]
    public void Small_UDP_packets_reach_the_host_merged_and_the_socket_one_by_one(string from, string to)
    {
        (Crossing one, Crossing two) = Connect(offload: true);
        // The kernel sets an IPv6 address first and its local route a moment later. Until then it drops what arrives.
        Assert.True(SpinWait.SpinUntil(() => Read(_two, "ip", "route", "get", to).Contains("local", StringComparison.Ordinal), TimeSpan.FromMinutes(2)));
        using Socket receiver = NamespaceSockets.Bind(_two, new IPEndPoint(IPAddress.Parse(to), 0));
        using Socket sender = NamespaceSockets.Bind(_one, new IPEndPoint(IPAddress.Parse(from), 0));
        receiver.ReceiveTimeout = 120_000;
        // The first device forwards them one by one. The second device gets all of them before Flush.
        two.KeepsBack = true;
        for (byte i = 0; i < 50; i++)
        {
            sender.SendTo([i, .. new byte[63]], receiver.LocalEndPoint!);
        }

        Assert.True(SpinWait.SpinUntil(() => _crossings[0].UdpPackets >= 50, TimeSpan.FromMinutes(2)));
        _devices[1].Flush();
        Assert.Equal(0, one.NotWritten + two.NotWritten);
        byte[] buffer = new byte[100];
        for (byte i = 0; i < 50; i++)
        {
            Assert.Equal(64, receiver.Receive(buffer));
            Assert.Equal(i, buffer[0]);
        }

        Assert.InRange(Count(_two, "rx_packets"), 1, 10);
    }

    private readonly List<Crossing> _crossings = [];

    private (Crossing One, Crossing Two) Connect(bool offload)
    {
        Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");
        _crossings.AddRange([new Crossing(), new Crossing()]);
        _devices.Add(Start(_one, offload, _crossings[0], "10.99.0.1/24", "fd99::1/64"));
        _devices.Add(Start(_two, offload, _crossings[1], "10.99.0.2/24", "fd99::2/64"));
        _crossings[0].Other = _devices[1];
        _crossings[0].OtherCrossing = _crossings[1];
        _crossings[1].Other = _devices[0];
        _crossings[1].OtherCrossing = _crossings[0];
        return (_crossings[0], _crossings[1]);
    }

    private static TunInterface Start(string name, bool offload, IPacketReceiver receiver, params string[] addresses)
    {
        var options = new TunnelInterfaceOptions { Offload = offload };
        foreach (string address in addresses)
        {
            options.Addresses.Add(address);
        }

        return NamespaceSockets.Run(name, () =>
        {
            var device = new TunInterface(options, NullLogger.Instance);
            device.Start(receiver);
            return device;
        });
    }

    private static long Count(string name, string counter) => long.Parse(Read(name, "cat", $"/sys/class/net/qt0/statistics/{counter}"), System.Globalization.CultureInfo.InvariantCulture);

    private static string Read(string name, params string[] command)
    {
        using Process process = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", name, .. command]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    private static void Ip(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
    }

    /// <summary>Forwards the packets of one host to the device of the other.</summary>
    private sealed class Crossing : IPacketReceiver
    {
        private int _sinceFlush;

        public volatile TunInterface? Other;

        public Crossing? OtherCrossing { get; set; }

        public long Packets;

        public long UdpPackets;

        public long NotWritten;

        /// <summary>Whether the device keeps packets until the test calls Flush.</summary>
        public bool KeepsBack { get; set; }

        public void OnPacket(ReadOnlySpan<byte> packet, SendBatch? batch)
        {
            if (Other is { } other && !other.Write(packet))
            {
                Interlocked.Increment(ref NotWritten);
            }

            Interlocked.Increment(ref Packets);
            // The kernel also sends its own packets, such as multicast listener reports.
            if (packet[packet[0] >> 4 == 4 ? 9 : 6] == 17)
            {
                Interlocked.Increment(ref UdpPackets);
            }

            if (OtherCrossing is { KeepsBack: true })
            {
                return;
            }

            // Flush after 16 packets, after small packets such as acknowledgements, and after the last segment (PSH).
            bool pushes = packet.Length > 60 && (packet[packet[0] >> 4 == 4 ? 33 : 53] & 8) != 0;
            if (packet.Length < 200 || pushes || ++_sinceFlush >= 16)
            {
                _sinceFlush = 0;
                Other?.Flush();
            }
        }

        public void OnNotWritten(int packets) => Interlocked.Add(ref NotWritten, packets);
    }
}
