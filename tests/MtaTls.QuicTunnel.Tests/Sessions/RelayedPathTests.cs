using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Sessions;

/// <summary>A relayed path carries packets only while no direct path works, with every scheduler.</summary>
public sealed class RelayedPathTests
{
    private readonly FakeConnection _direct = new() { SmoothedRtt = TimeSpan.FromMilliseconds(50), CongestionWindow = 3_000, CountsInFlight = true };
    private readonly FakeConnection _relayed = new() { SmoothedRtt = TimeSpan.FromMilliseconds(1) };

    [Theory]
    [InlineData(TunnelScheduler.EarliestDelivery)]
    [InlineData(TunnelScheduler.RoundRobin)]
    [InlineData(TunnelScheduler.Redundant)]
    [InlineData(TunnelScheduler.ActiveBackup)]
    public void It_is_for_failover_only(TunnelScheduler scheduler)
    {
        var session = new TestSession(scheduler);
        session.Add(_relayed, preference: 0).IsRelayed = true; // It is the faster path, and the preferred one.
        TunnelPath direct = session.Add(_direct, preference: 1);
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(SendResult.Sent, session.SendPacket());
        }

        Assert.Empty(_relayed.Sent);
        Assert.NotEmpty(_direct.Sent);

        direct.IsStalled = true;
        _direct.UnansweredSinceTimestamp = 1;
        session.Time.Advance(TimeSpan.FromSeconds(2));
        session.SendPacket();
        Assert.NotEmpty(_relayed.Sent);

        // Back at once.
        _direct.UnansweredSinceTimestamp = 0;
        session.Time.Advance(TimeSpan.FromMilliseconds(50));
        direct.IsStalled = false;
        (int there, int here) = (_relayed.Sent.Count, _direct.Sent.Count);
        _direct.BytesInFlight = 0;
        session.SendPacket();
        Assert.Equal(there, _relayed.Sent.Count);
        Assert.True(_direct.Sent.Count > here);

        session.Remove(direct);
        session.SendPacket();
        Assert.True(_relayed.Sent.Count > there);
    }

    [Fact]
    public void Its_MTU_is_the_smaller_of_both_hops_and_counts_while_it_is_used()
    {
        var session = new TestSession();
        TunnelPath relayed = session.Add(_relayed);
        (relayed.IsRelayed, relayed.RelayLimit) = (true, 1_000);
        Assert.Equal(SendResult.TooBig, session.Send(IpPackets.Udp("10.99.0.1", "10.99.0.2", 1_100), 0x0800, out int mtu));
        Assert.Equal(996, mtu);
        Assert.Equal(996, new TunnelPathInfo(relayed).MaxPacketSize);
        Assert.Equal(SendResult.NotCarried, session.Send(IpPackets.Udp("fd99::1", "fd99::2", 100), 0x86DD, out _));

        // A direct path does not carry more because of the relayed one.
        relayed.RelayLimit = int.MaxValue;
        _direct.MaxDatagramSize = 1_200;
        session.Add(_direct);
        Assert.Equal(SendResult.TooBig, session.Send(IpPackets.Udp("10.99.0.1", "10.99.0.2", 1_300), 0x0800, out mtu));
        Assert.Equal(1_196, mtu);

        // The hop beyond is smaller for certain, although discovery on this one still runs.
        session.Remove(session.Paths[1]);
        relayed.RelayLimit = 1_000;
        _relayed.IsPathMtuSettled = false;
        Assert.Equal(SendResult.TooBig, session.Send(IpPackets.Udp("10.99.0.1", "10.99.0.2", 1_100), 0x0800, out _));
    }
}
