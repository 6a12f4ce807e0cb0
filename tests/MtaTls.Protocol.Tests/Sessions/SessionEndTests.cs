using System.Buffers;
using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

/// <summary>docs/mta-tls-wire.md "Ending a session" and "Errors".</summary>
public class SessionEndTests
{
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    [Fact]
    public async Task close_notify_ends_every_channel_in_order_and_is_answered()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Data(channel.Id, 1, 2));
        await peer.EndAsync();
        Assert.Equal([1, 2], await FlowControlTests.ReadAllAsync(channel.Input));
        Assert.Null(await peer.ReceiveAsync());
        await peer.Session.Completion.WaitAsync(s_hang);
        Assert.True((await channel.Output.FlushAsync()).IsCompleted);
        Assert.Null(await peer.Session.AcceptChannelAsync());
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask());
    }

    [Fact]
    public async Task Truncation_is_an_error_to_every_reader_after_what_had_arrived()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel reading = await peer.OpenAsync(1);
        MtaTlsChannel unread = await peer.OpenAsync(2);
        Task<ReadResult> read = reading.Input.ReadAsync().AsTask();
        await peer.SendAsync(RawPeer.Data(unread.Id, 7));
        await peer.SettleAsync();
        await peer.BreakAsync();
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => read.WaitAsync(s_hang));
        await peer.FailureAsync();
        Assert.Equal(2, peer.Session.GetStatistics().ChannelsLost);
        ReadResult result = await unread.Input.ReadAsync();
        Assert.Equal(7, result.Buffer.FirstSpan[0]);
        unread.Input.AdvanceTo(result.Buffer.End);
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => unread.Input.ReadAsync().AsTask());
    }

    [Fact]
    public async Task Without_a_channel_truncation_loses_none_and_is_told_all_the_same()
    {
        await using var peer = RawPeer.Create();
        await peer.SettleAsync();
        await peer.BreakAsync();
        await peer.FailureAsync();
        Assert.Equal(MtaTlsSessionEnd.TransportLost, peer.Session.End);
        Assert.Equal(0, peer.Session.GetStatistics().ChannelsLost);
    }

    [Fact]
    public async Task An_end_inside_a_packet_is_an_error()
    {
        foreach (int octets in new[] { 1, 4, 8, 9, 12 })
        {
            await using var peer = RawPeer.Create();
            MtaTlsChannel channel = await peer.OpenAsync();
            await peer.SendAsync(RawPeer.Data(channel.Id, 1, 2, 3, 4)[..octets]);
            await peer.EndAsync();
            Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
            await Assert.ThrowsAsync<MtaTlsSessionException>(() => FlowControlTests.ReadAllAsync(channel.Input));
        }
    }

    [Fact]
    public async Task An_unknown_type_ends_all_channels_then_close_notify()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync([9]);
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
        Assert.Null(await peer.ReceiveAsync());
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => channel.Input.ReadAsync().AsTask());
        Assert.True(peer.Transport.ResumptionForbidden);
    }

    [Fact]
    public async Task A_declared_length_above_16_MiB_ends_the_session()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync([6, 1, 0, 0, 1]);
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
        Assert.Equal(0, channel.BytesReceived);
    }

    [Fact]
    public async Task Shutdown_lets_busy_channels_finish_and_exchanges_close_notify()
    {
        await using var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        Task shutdown = pair.Server.ShutdownAsync();
        await server.Output.WriteAsync("done"u8.ToArray());
        Assert.False(shutdown.IsCompleted);
        await server.CloseAsync();
        Assert.Equal("done"u8.ToArray(), await FlowControlTests.ReadAllAsync(client.Input));
        await shutdown.WaitAsync(s_hang);
        await pair.Server.Completion;
        await pair.Client.Completion.WaitAsync(s_hang);
    }

    [Fact]
    public async Task A_shutdown_that_is_cancelled_aborts_the_channels_that_are_left()
    {
        await using var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        using var cancel = new CancellationTokenSource();
        Task shutdown = pair.Server.ShutdownAsync(cancel.Token);
        Task<ReadResult> read = client.Input.ReadAsync().AsTask();
        await cancel.CancelAsync();
        Assert.True((await read.WaitAsync(s_hang)).IsCompleted);
        await shutdown.WaitAsync(s_hang);
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => server.Input.ReadAsync().AsTask());
        await pair.Client.Completion.WaitAsync(s_hang);
    }

    [Fact]
    public async Task Abort_fails_every_channel_open_and_the_completion_with_the_reason()
    {
        await using var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        Task<MtaTlsChannel> opening = pair.Client.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
        Task<MtaTlsChannelRequest?> accepting = pair.Client.AcceptChannelAsync().AsTask();
        var reason = new InvalidOperationException("why");
        pair.Client.Abort(reason);
        MtaTlsSessionException failure = await Assert.ThrowsAsync<MtaTlsSessionException>(() => pair.Client.Completion.WaitAsync(s_hang));
        Assert.Same(reason, failure.InnerException);
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => client.Input.ReadAsync().AsTask());
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => opening.WaitAsync(s_hang));
        Assert.Null(await accepting.WaitAsync(s_hang));
        await Assert.ThrowsAnyAsync<IOException>(() => pair.Server.Completion.WaitAsync(s_hang));
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => server.Input.ReadAsync().AsTask());
    }

    [Fact]
    public async Task A_peer_that_does_not_read_until_too_many_answers_wait_loses_its_session()
    {
        (IDuplexPipe a, IDuplexPipe b) = DuplexPipe.CreatePair(new PipeOptions(pauseWriterThreshold: 1024, resumeWriterThreshold: 512));
        var session = MtaTlsSession.Start(new PipeTransport(a), new() { Role = MtaTlsRole.Server, Limits = { MaxQueuedAnswers = 100 } });
        try
        {
            for (int i = 0; i < 10_000; i++)
            {
                await b.Output.WriteAsync(RawPeer.Request((ushort)i, host: "not/valid")).AsTask().WaitAsync(s_hang);
            }

            Assert.Fail("The session took it all.");
        }
        catch (IOException)
        {
            // The session no longer reads.
        }
        MtaTlsSessionException failure = await Assert.ThrowsAsync<MtaTlsSessionException>(() => session.Completion.WaitAsync(s_hang));
        Assert.Contains("does not read", failure.Message);
    }

    [Fact]
    public async Task Reading_goes_on_while_the_peer_does_not_read()
    {
        (IDuplexPipe a, IDuplexPipe b) = DuplexPipe.CreatePair(new PipeOptions(pauseWriterThreshold: 1024, resumeWriterThreshold: 512));
        var session = MtaTlsSession.Start(new PipeTransport(a), new() { Role = MtaTlsRole.Server });
        await b.Output.WriteAsync(RawPeer.Request(1));
        MtaTlsChannel channel = (await session.AcceptChannelAsync().AsTask().WaitAsync(s_hang))!.Accept();
        Task writing = channel.Output.WriteAsync(new byte[500_000]).AsTask();
        for (int i = 0; i < 1000; i++)
        {
            await b.Output.WriteAsync(RawPeer.Data(channel.Id, new byte[1000])).AsTask().WaitAsync(s_hang);
            await FlowControlTests.ReadExactlyAsync(channel.Input, 1000).WaitAsync(s_hang);
            if (i == 200)
            {
                break;   // within the first window, because no acknowledgment can be sent
            }
        }
        Assert.False(writing.IsCompleted);
        session.Abort();
        await writing.WaitAsync(s_hang);
    }

    [Fact]
    public async Task Disposal_ends_both_sessions()
    {
        var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        await pair.Client.DisposeAsync().AsTask().WaitAsync(s_hang);
        Assert.True(pair.Client.Completion.IsCompletedSuccessfully);
        await pair.Server.Completion.WaitAsync(s_hang);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => client.Input.ReadAsync().AsTask());
        await pair.DisposeAsync();
    }
}
