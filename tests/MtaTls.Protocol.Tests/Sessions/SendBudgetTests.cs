using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>Limits the memory for peers that request much data and read nothing: the buffers of a session, a client address and the server are counted.</summary>
public class SendBudgetTests
{
    private const int KiB = 1024, MiB = 1024 * KiB;

    [Fact]
    public async Task Peers_that_grant_no_window_and_ask_for_much_hold_no_more_than_the_budgets()
    {
        var server = new MtaTlsSendBudget(4 * MiB);
        var greedy = new MtaTlsSendBudget(3 * MiB, server);
        var peers = new List<RawPeer>();
        var writes = new List<Task<FlushResult>>();
        int closed = 0;
        for (int i = 0; i < 8; i++)
        {
            var peer = RawPeer.Create(configure: o => (o.SendBudget, o.Limits.SessionSendBudget) = (greedy, MiB));
            peers.Add(peer);
            for (ushort id = 1; id <= 60; id++)
            {
                MtaTlsChannel channel = await peer.OpenAsync(id, window: 0);
                Task<FlushResult> write = channel.Output.WriteAsync(new byte[64 * KiB]).AsTask();
                closed += write is { IsCompletedSuccessfully: true, Result.IsCompleted: true } ? 1 : 0;
                writes.Add(write);
                Assert.True(peer.Session.SendBudget.Used <= MiB && greedy.Used <= greedy.Size && server.Used <= server.Size);
            }
        }
        // Most of the budget is used, the other channels were closed, and the sessions go on.
        Assert.InRange(greedy.Used, 2 * MiB, greedy.Size);
        Assert.InRange(closed, 100, 8 * 60);
        Assert.True(peers[0].Session.GetTimesExceeded(MtaTlsSessionLimit.SessionSendBudget) > 0);
        Assert.True(peers[^1].Session.GetTimesExceeded(MtaTlsSessionLimit.SendBudget) > 0);
        Assert.All(peers, static peer => Assert.False(peer.Session.Completion.IsCompleted));
        // Peers that read are served meanwhile, from another address and from the same one.
        foreach (MtaTlsSendBudget budget in new[] { new MtaTlsSendBudget(MiB, server), greedy })
        {
            await using var other = RawPeer.Create(configure: o => o.SendBudget = budget);
            MtaTlsChannel channel = await other.OpenAsync(window: uint.MaxValue);
            Task writing = WriteAsync(channel.Output, 4 * MiB);
            for (int received = 0; received < 4 * MiB;)
            {
                received += (await other.ReceiveAsync(PacketType.Plaintext)).Data.Length;
            }

            await writing.WaitAsync(SessionPair.HangTimeout);
        }
        foreach (RawPeer peer in peers)
        {
            await peer.DisposeAsync();
        }

        await Task.WhenAll(writes).WaitAsync(SessionPair.HangTimeout);
        Assert.Equal((0, 0), (greedy.Used, server.Used));
    }

    [Fact]
    public async Task A_writer_waits_from_an_eighth_of_what_is_left_on_and_at_4_KiB_at_least()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.SessionSendBudget = 512 * KiB);
        MtaTlsChannel first = await peer.OpenAsync(1, window: 0);
        // 64 KiB are an eighth of what is left. The whole buffers count.
        int written = 0;
        while (await WritesOnAsync(first))
        {
            written += KiB;
        }

        Assert.InRange(written, 32 * KiB, 64 * KiB);
        for (ushort id = 2; id <= 100 && peer.Session.SendBudget.Allowance(int.MaxValue) > SessionSendBudget.Floor; id++)
        {
            MtaTlsChannel channel = await peer.OpenAsync(id, window: 0);
            while (await WritesOnAsync(channel))
            {
            }
        }

        MtaTlsChannel last = await peer.OpenAsync(101, window: 0);
        Assert.True((await last.Output.WriteAsync(new byte[4095]).AsTask().WaitAsync(SessionPair.HangTimeout)) is { IsCompleted: false });
        Task<FlushResult> waits = last.Output.WriteAsync(new byte[1]).AsTask();
        Assert.False(waits.IsCompleted);
        Assert.True(peer.Session.SendBudget.Used <= 512 * KiB);
        // The flush ends when half of it was sent, whatever the other channels do.
        await peer.SendAsync(RawPeer.Acknowledge(last.Id, 4096));
        Assert.False((await waits.WaitAsync(SessionPair.HangTimeout)).IsCompleted);

        static async Task<bool> WritesOnAsync(MtaTlsChannel channel)
        {
            channel.Output.CancelPendingFlush();   // so that no flush is pending
            await channel.Output.WriteAsync(new byte[KiB]);
            ValueTask<FlushResult> flush = channel.Output.FlushAsync();
            bool goesOn = flush.IsCompleted;
            if (!goesOn)
            {
                channel.Output.CancelPendingFlush();
            }

            await flush;
            return goesOn;
        }
    }

    // A window of one byte, so that each channel has sent some data.
    [Fact]
    public async Task When_a_budget_is_exceeded_channels_without_window_for_a_second_are_closed()
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => (o.TimeProvider, o.Limits.SessionSendBudget) = (time, 256 * KiB));
        var writes = new List<Task<FlushResult>>();
        for (ushort id = 1; id <= 20; id++)
        {
            MtaTlsChannel channel = await peer.OpenAsync(id, window: 1);
            writes.Add(channel.Output.WriteAsync(new byte[64 * KiB]).AsTask());
            await peer.ReceiveAsync(PacketType.Plaintext);
        }
        Assert.True(peer.Session.SendBudget.IsExceeded);
        Assert.All(writes, static write => Assert.False(write.IsCompleted));
        await UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return !peer.Session.SendBudget.IsExceeded;
        });
        // Not more channels than necessary.
        await UntilAsync(() => writes.Count(static write => write.IsCompleted) >= 16);
        Assert.Contains(writes, static write => !write.IsCompleted);
        Assert.True(peer.Session.GetTimesExceeded(MtaTlsSessionLimit.SessionSendBudget) > 0);
        Assert.False(peer.Session.Completion.IsCompleted);
    }

    [Fact]
    public async Task When_a_budget_is_exceeded_channels_of_a_peer_that_has_not_read_for_a_second_are_closed()
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => (o.TimeProvider, o.Limits.SessionSendBudget) = (time, 256 * KiB), pauseWriterThreshold: 1024);
        var channels = new List<MtaTlsChannel>();
        for (ushort id = 1; id <= 20; id++)
        {
            channels.Add(await peer.OpenAsync(id, window: uint.MaxValue));
        }

        Task<FlushResult>[] writes = [.. channels.Select(static channel => channel.Output.WriteAsync(new byte[64 * KiB]).AsTask())];
        await UntilAsync(() => channels.Sum(static channel => channel.BytesSent) >= 60 * KiB);
        Assert.True(peer.Session.SendBudget.IsExceeded);
        await UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return !peer.Session.SendBudget.IsExceeded;
        });
        Assert.False(peer.Session.Completion.IsCompleted);
        peer.Session.Abort();
        await Task.WhenAll(writes).WaitAsync(SessionPair.HangTimeout);
        await UntilAsync(() => peer.Session.SendBudget.Used == 0);
    }

    private static async Task WriteAsync(PipeWriter output, int bytes)
    {
        for (; bytes > 0; bytes -= 64 * KiB)
        {
            Assert.False((await output.WriteAsync(new byte[64 * KiB])).IsCompleted);
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var hang = new CancellationTokenSource(SessionPair.HangTimeout);
        while (!condition())
        {
            await Task.Delay(1, hang.Token);
        }
    }
}
