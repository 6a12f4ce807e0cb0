using Microsoft.Extensions.Time.Testing;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Queueing;
using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Sessions;

/// <summary>The data plane of a session with a fake clock.</summary>
internal sealed class TestSession : TunnelSession
{
    /// <param name="scheduler">The scheduler.</param>
    /// <param name="reordering">Whether packets are put in order.</param>
    /// <param name="memory">The memory that it shares with other sessions; null for its own.</param>
    public TestSession(TunnelScheduler scheduler = TunnelScheduler.EarliestDelivery, bool reordering = true, PacketMemory? memory = null)
        : this(scheduler, reordering, memory ?? DataPlaneOptions.CreateMemory(), new FakeTimeProvider())
    {
    }

    private TestSession(TunnelScheduler scheduler, bool reordering, PacketMemory memory, FakeTimeProvider time)
        : base(
            new DataPlaneOptions(
                scheduler,
                new TunnelQueueOptions { MaxPackets = 64 },
                new TunnelReorderingOptions { Enabled = reordering, MaxDelay = TimeSpan.FromMilliseconds(50), MaxPackets = 16 },
                memory,
                new TunnelCounters(),
                time),
            new PathSupervisor(time)) => Time = time;

    public FakeTimeProvider Time { get; }

    public List<byte[]> Delivered { get; } = [];

    public PacketAction? Delivering { get; set; }

    public List<string> Events { get; } = [];

    public TunnelPath Add(FakeConnection connection, int? preference = null) => AddPath(connection, MaxPaths, preference)!;

    public int Remove(TunnelPath path) => RemovePath(path);

    public SendResult SendPacket(int payload = 100) => Send(IpPackets.Udp("10.99.0.1", "10.99.0.2", payload), 0x0800, out _);

    public override void Deliver(ushort protocolType, ReadOnlySpan<byte> packet)
    {
        Delivering?.Invoke(packet);
        Delivered.Add(packet.ToArray());
    }

    public int Flushes { get; private set; }

    public override void Flush() => Flushes++;

    protected override void OnPathStateChanged(TunnelPath path, bool left) => Events.Add($"{path.Number} {(left ? "left" : "back")}");

    protected override void OnPathHarmful(TunnelPath path, string why) => Events.Add($"{path.Number} {why}");

    protected override bool LearnsPreference => IsLearning;

    public bool IsLearning { get; set; }

    protected override bool AsksQuietPaths => IsAskingQuietPaths;

    public bool IsAskingQuietPaths { get; set; }
}

internal delegate void PacketAction(ReadOnlySpan<byte> packet);
