using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>Section 2.1.2 and docs/mta-tls-wire.md "Closing a channel".</summary>
public class ClosingTests
{
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    [Fact]
    public async Task A_CloseRequest_is_confirmed_at_once_and_what_had_arrived_can_be_read()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Data(channel.Id, 1, 2, 3), RawPeer.Close(channel.Id));
        Assert.Equal(channel.Id, (await peer.ReceiveAsync(PacketType.ChannelCloseConfirmation)).Id);
        Assert.Equal([1, 2, 3], await FlowControlTests.ReadAllAsync(channel.Input));
    }

    [Fact]
    public async Task After_a_CloseRequest_unsent_data_are_discarded_and_a_flush_says_completed()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 10);
        ValueTask<FlushResult> flush = channel.Output.WriteAsync(new byte[200_000]);
        Assert.Equal(10, (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length);
        Assert.False(flush.IsCompleted);
        await peer.SendAsync(RawPeer.Close(channel.Id), RawPeer.Acknowledge(channel.Id, 1000));
        Assert.Equal(PacketType.ChannelCloseConfirmation, (await peer.ReceiveAsync())!.Type);
        Assert.True((await flush.AsTask().WaitAsync(s_hang)).IsCompleted);
        Assert.True((await channel.Output.WriteAsync(new byte[5])).IsCompleted);
        await peer.SettleAsync();   // only the answer to this arrives
        Assert.Equal(10, channel.BytesSent);
    }

    [Fact]
    public async Task A_graceful_close_sends_all_that_was_written_and_then_CloseRequest()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 100);
        await channel.Output.WriteAsync(new byte[250]);
        Task closing = channel.CloseAsync().AsTask();
        Assert.Equal(100, (await peer.ReceiveAsync())!.Data.Length);
        await peer.SettleAsync();
        Assert.False(closing.IsCompleted);
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 1000));
        Assert.Equal(150, (await peer.ReceiveAsync())!.Data.Length);
        Assert.Equal(PacketType.ChannelCloseRequest, (await peer.ReceiveAsync())!.Type);
        await closing.WaitAsync(s_hang);
    }

    [Fact]
    public async Task While_it_flushes_with_no_reader_left_it_discards_what_arrives_and_goes_on_granting()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.InitialWindowSize = 8192);
        MtaTlsChannel channel = await peer.OpenAsync(window: 1);
        await channel.Output.WriteAsync(new byte[2]);
        Task closing = channel.CloseAsync().AsTask();
        for (int i = 0; i < 10; i++)
        {
            await peer.SendAsync(RawPeer.Data(channel.Id, new byte[4096]));
            Assert.True((await peer.ReceiveAsync(PacketType.Acknowledgment)).UInt32(4) >= 4096);
        }
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 1));
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        await closing.WaitAsync(s_hang);
    }

    [Fact]
    public async Task Two_ends_that_both_flush_full_windows_and_close_do_not_wait_for_each_other()
    {
        await using var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        Task writes = Task.WhenAll(client.Output.WriteAsync(new byte[3_000_000]).AsTask(), server.Output.WriteAsync(new byte[3_000_000]).AsTask());
        var closes = Task.WhenAll(client.CloseAsync().AsTask(), server.CloseAsync().AsTask());
        await closes.WaitAsync(s_hang);
        await writes.WaitAsync(s_hang);
        await pair.Client.ShutdownAsync().WaitAsync(s_hang);
    }

    [Fact]
    public async Task Without_progress_for_CloseLingerTimeout_the_rest_is_discarded()
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => o.TimeProvider = time);
        MtaTlsChannel channel = await peer.OpenAsync(window: 10);
        await channel.Output.WriteAsync(new byte[100]);
        Task closing = channel.CloseAsync().AsTask();
        await peer.ReceiveAsync(PacketType.Plaintext);
        time.Advance(TimeSpan.FromSeconds(4));
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 1));   // progress
        await peer.ReceiveAsync(PacketType.Plaintext);
        time.Advance(TimeSpan.FromSeconds(4));
        await peer.SettleAsync();
        Assert.False(closing.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        await closing.WaitAsync(s_hang);
        await peer.SendAsync(RawPeer.Confirm(channel.Id));
    }

    [Fact]
    public async Task An_abort_sends_CloseRequest_before_its_own_data()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 10);
        await channel.Output.WriteAsync(new byte[100]);
        await peer.ReceiveAsync(PacketType.Plaintext);
        channel.Abort();
        Assert.Equal(PacketType.ChannelCloseRequest, (await peer.ReceiveAsync())!.Type);
        Assert.False(peer.Transport.ResumptionForbidden);
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => channel.Input.ReadAsync().AsTask());
    }

    [Theory]
    [InlineData("CloseRequest")]
    [InlineData("end of the session")]
    [InlineData("broken connection")]
    [InlineData("broken rule")]
    public async Task An_abort_after_an_end_leaves_what_had_arrived(string end)
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        var closed = new TaskCompletionSource();
        channel.OnClosed(static (_, _, state) => ((TaskCompletionSource)state!).SetResult(), closed);
        byte[] data = new byte[10_000];
        Random.Shared.NextBytes(data);
        await peer.SendAsync(RawPeer.Data(channel.Id, data));
        await peer.SettleAsync();
        switch (end)
        {
            case "CloseRequest": await peer.SendAsync(RawPeer.Close(channel.Id)); break;
            case "end of the session": await peer.EndAsync(); break;
            case "broken connection": await peer.BreakAsync(); break;
            default: await peer.SendAsync(RawPeer.MaxPacketLength(channel.Id, 0)); break;
        }
        await closed.Task.WaitAsync(s_hang);
        channel.Abort();
        channel.Abort(new InvalidOperationException("failed"));
        ReadResult result = await channel.Input.ReadAtLeastAsync(data.Length).AsTask().WaitAsync(s_hang);
        Assert.Equal(data, result.Buffer.ToArray());
        channel.Input.AdvanceTo(result.Buffer.End);
        if (end is "CloseRequest" or "end of the session")
        {
            Assert.True((await channel.Input.ReadAsync()).IsCompleted);
        }
        else
        {
            await Assert.ThrowsAnyAsync<IOException>(() => channel.Input.ReadAsync().AsTask());
        }
    }

    [Fact]
    public async Task An_abort_while_a_long_packet_arrives_after_an_end_or_not_leaves_the_session_in_step()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.MaxPacketLength = 200_000);
        MtaTlsChannel channel = await peer.OpenAsync();
        MtaTlsChannel other = await peer.OpenAsync(2);
        byte[] packet = RawPeer.Data(channel.Id, new byte[50_000]);
        await peer.SendAsync(RawPeer.Data(channel.Id, 1), packet[..20_000]);
        ReadResult result = await channel.Input.ReadAtLeastAsync(10_000).AsTask().WaitAsync(s_hang);
        channel.Input.AdvanceTo(result.Buffer.Start);
        channel.Abort();
        await peer.SendAsync(packet[20_000..], RawPeer.Data(other.Id, 5));
        result = await other.Input.ReadAsync().AsTask().WaitAsync(s_hang);
        Assert.Equal(5, result.Buffer.FirstSpan[0]);
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => channel.Input.ReadAsync().AsTask());
    }

    [Fact]
    public async Task An_application_that_fails_makes_the_TLS_session_not_resumable()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        channel.Abort(new InvalidOperationException("failed"));
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        Assert.True(peer.Transport.ResumptionForbidden);
        MtaTlsChannelException error = await Assert.ThrowsAsync<MtaTlsChannelException>(() => channel.Input.ReadAsync().AsTask());
        Assert.IsType<InvalidOperationException>(error.InnerException);
    }

    [Fact]
    public async Task After_its_CloseRequest_an_end_ignores_what_still_arrives()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await channel.CloseAsync();
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        // Even data that breaks a rule of the channel.
        await peer.SendAsync(
            RawPeer.Data(channel.Id, new byte[1_000_000]), RawPeer.Acknowledge(channel.Id, uint.MaxValue), RawPeer.Acknowledge(channel.Id, uint.MaxValue),
            RawPeer.MaxPacketLength(channel.Id, 5));
        await peer.SettleAsync();
        Assert.Equal(0, peer.Session.GetStatistics().ChannelErrors);
        await peer.SendAsync(RawPeer.Confirm(channel.Id));
        await peer.SettleAsync();
        Assert.Equal(0, peer.Session.ActiveChannels);
    }

    [Fact]
    public async Task Crossing_CloseRequests_are_confirmed_and_the_id_stays_taken_until_the_own_confirmation()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await channel.CloseAsync();
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        await peer.SendAsync(RawPeer.Close(channel.Id));
        await peer.ReceiveAsync(PacketType.ChannelCloseConfirmation);
        Assert.Equal(1, peer.Session.ActiveChannels);
        await peer.SendAsync(RawPeer.Confirm(channel.Id));
        await peer.SettleAsync();
        Assert.Equal(0, peer.Session.ActiveChannels);
    }

    [Fact]
    public async Task Without_a_confirmation_within_CloseTimeout_the_session_ends()
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => o.TimeProvider = time);
        MtaTlsChannel channel = await peer.OpenAsync();
        MtaTlsChannel other = await peer.OpenAsync(2);
        await channel.CloseAsync();
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        time.Advance(TimeSpan.FromSeconds(29));
        await peer.SettleAsync();
        Assert.False(peer.Session.Completion.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Contains("did not confirm", (await peer.FailureAsync()).Message);
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => other.Input.ReadAsync().AsTask());
    }

    // Section 3: an error at the MTA-TLS layer closes the channel, not the TLS session.
    [Fact]
    public async Task A_confirmation_that_answers_no_request_closes_its_channel_alone()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        MtaTlsChannel other = await peer.OpenAsync(2);
        await peer.SendAsync(RawPeer.Data(channel.Id, 1, 2, 3), RawPeer.Confirm(channel.Id));
        Assert.Equal(channel.Id, (await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id);
        Assert.Equal(1, peer.Session.GetStatistics().ChannelErrors);
        Assert.True(peer.Transport.ResumptionForbidden);
        // First the data that had arrived, then the error.
        ReadResult result = await channel.Input.ReadAsync();
        Assert.Equal([1, 2, 3], result.Buffer.ToArray());
        channel.Input.AdvanceTo(result.Buffer.End);
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => channel.Input.ReadAsync().AsTask());
        await channel.DisposeAsync();
        await peer.SendAsync(RawPeer.Confirm(channel.Id));
        await peer.SettleAsync();
        Assert.Equal(1, peer.Session.ActiveChannels);
        await other.Output.WriteAsync(new byte[] { 1 });
        await peer.ReceiveAsync(PacketType.Plaintext);
    }

    [Fact]
    public async Task Packets_4_to_8_for_an_id_that_was_live_are_ignored_and_counted()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Close(channel.Id));
        await peer.ReceiveAsync(PacketType.ChannelCloseConfirmation);
        await peer.SendAsync(
            RawPeer.Close(channel.Id), RawPeer.Confirm(channel.Id), RawPeer.Data(channel.Id, new byte[100_000]), RawPeer.MaxPacketLength(channel.Id, 1), RawPeer.Acknowledge(channel.Id, 1));
        await peer.SettleAsync();
        Assert.Equal(5, peer.Session.GetStatistics().PacketsIgnored);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Packets_4_to_8_for_an_id_that_was_never_live_end_the_session(int type)
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        var id = new ChannelId(0x1234_5678);
        await peer.SendAsync(type switch
        {
            4 => RawPeer.Close(id),
            5 => RawPeer.Confirm(id),
            6 => RawPeer.Data(id, 1),
            7 => RawPeer.MaxPacketLength(id, 1),
            _ => RawPeer.Acknowledge(id, 1),
        });
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => channel.Input.ReadAsync().AsTask());
        Assert.Null(await peer.ReceiveAsync());   // all channels end, then close_notify
    }

    [Fact]
    public async Task The_last_4096_freed_ids_are_remembered()
    {
        await using var peer = RawPeer.Create(configure: o => o.ChannelRequested = static r => r.Accept().Abort());
        var ids = new List<ChannelId>();
        for (int i = 0; i < 4_200; i++)
        {
            await peer.SendAsync(RawPeer.Request((ushort)(i % 100)));
            ChannelId id = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentSuccess)).Id;
            ids.Add(id);
            await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
            await peer.SendAsync(RawPeer.Confirm(id));
        }
        await peer.SendAsync(RawPeer.Acknowledge(ids[^4_096], 1));
        await peer.SettleAsync();
        Assert.False(peer.Session.Completion.IsCompleted);
        await peer.SendAsync(RawPeer.Acknowledge(ids[0], 1));
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
    }

    [Fact]
    public async Task A_channel_counts_until_its_application_has_ended_not_only_until_its_id_is_free()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.MaxChannelsPerSession = 1);
        MtaTlsChannel channel = await peer.OpenAsync(1);
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[1000]), RawPeer.Close(channel.Id), RawPeer.Request(2));
        await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Assert.Equal(1, peer.Session.ActiveChannels);
        await channel.DisposeAsync();
        Assert.Equal(0, peer.Session.ActiveChannels);
        await peer.OpenAsync(3);
    }

    [Fact]
    public async Task Completing_output_alone_sends_what_was_written_and_completing_both_sides_closes()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        channel.Output.GetMemory(10).Span[..3].Fill(9);
        channel.Output.Advance(3);
        channel.Output.Complete();
        Assert.Equal([9, 9, 9], (await peer.ReceiveAsync())!.Data);
        await peer.SendAsync(RawPeer.Data(channel.Id, 1));
        ReadResult result = await channel.Input.ReadAsync().AsTask().WaitAsync(s_hang);
        Assert.False(result.IsCompleted);
        channel.Input.AdvanceTo(result.Buffer.End);
        channel.Input.Complete();
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
    }

    [Fact]
    public async Task OnClosed_tells_an_orderly_close_from_a_failure()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel closed = await peer.OpenAsync(1);
        MtaTlsChannel truncated = await peer.OpenAsync(2);
        Task<Exception?> closedReason = Closed(closed);
        Task<Exception?> truncatedReason = Closed(truncated);
        await peer.SendAsync(RawPeer.Close(closed.Id));
        Assert.Null(await closedReason.WaitAsync(s_hang));
        Assert.False(truncatedReason.IsCompleted);
        await peer.BreakAsync();
        Assert.IsAssignableFrom<MtaTlsSessionException>(await truncatedReason.WaitAsync(s_hang));
        Assert.Null(await Closed(closed).WaitAsync(s_hang));   // it is called although it was set late
        await peer.FailureAsync();

        static Task<Exception?> Closed(MtaTlsChannel channel)
        {
            var reason = new TaskCompletionSource<Exception?>();
            channel.OnClosed(static (_, e, state) => ((TaskCompletionSource<Exception?>)state!).SetResult(e), reason);
            return reason.Task;
        }
    }

    [Fact]
    public async Task OnReadable_waits_for_the_first_data_or_the_close()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel talks = await peer.OpenAsync(1);
        MtaTlsChannel closes = await peer.OpenAsync(2);
        Task talked = Readable(talks);
        Task closed = Readable(closes);
        await peer.SettleAsync();
        Assert.False(talked.IsCompleted || closed.IsCompleted);
        await peer.SendAsync(RawPeer.Data(talks.Id, 1), RawPeer.Close(closes.Id));
        await Task.WhenAll(talked, closed).WaitAsync(s_hang);
        Assert.True(talks.Input.TryRead(out ReadResult result));
        Assert.Equal(1, result.Buffer.Length);

        static Task Readable(MtaTlsChannel channel)
        {
            var readable = new TaskCompletionSource();
            channel.OnReadable(static (_, state) => ((TaskCompletionSource)state!).SetResult(), readable);
            return readable.Task;
        }
    }

    [Fact]
    public async Task A_callback_that_throws_fails_its_channel_alone()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(1);
        MtaTlsChannel other = await peer.OpenAsync(2);
        channel.OnReadable(static (_, _) => throw new InvalidOperationException("failed"), null);
        await peer.SendAsync(RawPeer.Data(channel.Id, 1));
        Assert.Equal(channel.Id, (await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id);
        Assert.False(other.Input.TryRead(out _));
        Assert.False(peer.Session.Completion.IsCompleted);
    }
}
