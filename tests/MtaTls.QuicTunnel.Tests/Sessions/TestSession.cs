using Microsoft.Extensions.Time.Testing;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Sessions;

/// <summary>The data plane of a session under a clock that the test moves.</summary>
internal sealed class TestSession : TunnelSession
{
    public TestSession(TunnelScheduler scheduler = TunnelScheduler.MinRtt, bool reordering = true)
        : this(scheduler, reordering, new FakeTimeProvider())
    {
    }

    private TestSession(TunnelScheduler scheduler, bool reordering, FakeTimeProvider time)
        : base(new DataPlaneOptions(scheduler, reordering, TimeSpan.FromMilliseconds(50), 16, new TunnelCounters(), time), new PathSupervisor(time)) => Time = time;

    public FakeTimeProvider Time { get; }

    public List<byte[]> Delivered { get; } = [];

    public PacketAction? Delivering { get; set; }

    public List<string> Events { get; } = [];

    public TunnelPath Add(FakeConnection connection) => AddPath(connection, MaxPaths)!;

    public int Remove(TunnelPath path) => RemovePath(path);

    public SendResult SendPacket(int payload = 100) => Send(IpPackets.Udp("10.99.0.1", "10.99.0.2", payload), 0x0800, out _);

    public override void Deliver(ushort protocolType, ReadOnlySpan<byte> packet)
    {
        Delivering?.Invoke(packet);
        Delivered.Add(packet.ToArray());
    }

    protected override void OnPathStateChanged(TunnelPath path, bool left) => Events.Add($"{path.Number} {(left ? "left" : "back")}");
}

internal delegate void PacketAction(ReadOnlySpan<byte> packet);
