namespace MtaTls.Protocol.Tests;

public class LimitsTests
{
    [Fact]
    public void Defaults_are_as_documented()
    {
        var limits = new MtaTlsSessionLimits();
        Assert.Equal(10_000, limits.MaxChannelsPerSession);
        Assert.Equal(256, limits.MaxPendingChannels);
        Assert.Equal(262_144, limits.InitialWindowSize);
        Assert.Equal(8_388_608, limits.MaxWindowSize);
        Assert.Equal(16_375, limits.MaxPacketLength);
        Assert.Equal(67_108_864, limits.SessionReceiveBudget);
        Assert.Equal(131_072, limits.OutputBufferSize);
        Assert.Equal(16_384, limits.MaxQueuedAnswers);
        Assert.Equal(4_096, limits.RememberedChannelIds);
        Assert.Equal(TimeSpan.FromSeconds(5), limits.CloseLingerTimeout);
        Assert.Equal(TimeSpan.FromSeconds(30), limits.CloseTimeout);
        Assert.Equal(TimeSpan.FromSeconds(60), limits.WriteStallTimeout);
        Assert.Equal(67_108_864, limits.SessionSendBudget);
        Assert.Equal(1, limits.MinPeerPacketLength);
        Assert.Equal(0, limits.MaxOpensPerSecond);
        Assert.Equal(200_000, limits.MaxEmptyPacketsPerSecond);
        Assert.Equal(0, limits.MaxSmallPacketsPerSecond);
        Assert.Equal(0, limits.MaxAcknowledgmentsPerSecond);
        Assert.Equal(TimeSpan.FromMinutes(5), limits.ChannelWriteStallTimeout);
    }

    [Fact]
    public void Setters_refuse_what_is_out_of_range()
    {
        AssertRange((l, v) => l.MaxChannelsPerSession = v, 1, 1_000_000);
        AssertRange((l, v) => l.MaxPendingChannels = v, 1, 65_536);
        AssertRange((l, v) => l.InitialWindowSize = v, 4_096, 1 << 30);
        AssertRange((l, v) => l.MaxWindowSize = v, 4_096, 1 << 30);
        AssertRange((l, v) => l.MaxPacketLength = v, 1, 16_777_215);
        AssertRange((l, v) => l.OutputBufferSize = v, 1, 1 << 30);
        AssertRange((l, v) => l.MaxQueuedAnswers = v, 16, 1 << 20);
        AssertRange((l, v) => l.MinPeerPacketLength = v, 1, 16_384);
        AssertRange((l, v) => l.MaxOpensPerSecond = v, 0, 1_000_000_000);
        AssertRange((l, v) => l.MaxEmptyPacketsPerSecond = v, 0, 1_000_000_000);
        AssertRange((l, v) => l.MaxSmallPacketsPerSecond = v, 0, 1_000_000_000);
        AssertRange((l, v) => l.MaxAcknowledgmentsPerSecond = v, 0, 1_000_000_000);
        AssertRange((l, v) => l.RememberedChannelIds = v, 4_096, 1 << 20);
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtaTlsSessionLimits { SessionReceiveBudget = 4_095 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtaTlsSessionLimits { CloseLingerTimeout = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtaTlsSessionLimits { CloseTimeout = TimeSpan.FromTicks(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtaTlsSessionLimits { WriteStallTimeout = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtaTlsSessionLimits { ChannelWriteStallTimeout = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtaTlsSessionLimits { SessionSendBudget = 4_095 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtaTlsReceiveBudget(4_095));

        static void AssertRange(Action<MtaTlsSessionLimits, int> set, int min, int max)
        {
            var limits = new MtaTlsSessionLimits();
            set(limits, min);
            set(limits, max);
            Assert.Throws<ArgumentOutOfRangeException>(() => set(limits, min - 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => set(limits, max + 1));
        }
    }

    [Fact]
    public void A_budget_without_4_KiB_for_each_channel_is_refused_at_the_start()
    {
        var options = new MtaTlsSessionOptions { Limits = { MaxChannelsPerSession = 100, SessionReceiveBudget = 100 * 4096 - 1 } };
        Assert.Throws<ArgumentException>(() => MtaTlsSession.Start(new ScriptedTransport([], [], []), options));
    }
}
