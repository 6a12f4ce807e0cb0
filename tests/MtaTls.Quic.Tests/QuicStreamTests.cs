using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

public class QuicStreamTests
{
    [Fact]
    public async Task Many_streams_pass_one_after_another_through_a_limit_of_eight()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();

        for (int i = 0; i < 300; i++)
        {
            pair.Client.SendStream(pair.Client.OpenUnidirectionalStream(), BitConverter.GetBytes(i), fin: true);
        }

        var seen = new HashSet<int>();
        for (int i = 0; i < 300; i++)
        {
            (long id, byte[]? data) = await pair.ServerHandler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
            Assert.Equal(2 + 4L * BitConverter.ToInt32(data), id);
            Assert.True(seen.Add(BitConverter.ToInt32(data)));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_carries_its_code_and_allows_another_stream(bool opened)
    {
        await using var quic = new QuicFixture(server: o => o.MaxConcurrentStreams = 1);
        Pair pair = await quic.ConnectPairAsync();

        long first = pair.Client.OpenUnidirectionalStream(), second = pair.Client.OpenUnidirectionalStream();
        pair.Client.SendStream(first, [1, 2, 3], fin: false);
        pair.Client.SendStream(second, [9], fin: true);
        if (opened)
        {
            await Until(() => pair.ServerHandler.OctetsOf(first) == 3);
        }

        pair.Client.ResetStream(first, 0x1234);

        Assert.Equal(("reset", first, 0x1234UL), await pair.ServerHandler.StreamEnds.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout));
        Assert.Equal(second, (await pair.ServerHandler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).StreamId);
    }

    [Fact]
    public async Task Stop_sending_carries_its_code_and_allows_another_stream()
    {
        await using var quic = new QuicFixture(server: o => o.MaxConcurrentStreams = 1);
        Pair pair = await quic.ConnectPairAsync();
        long first = pair.Client.OpenUnidirectionalStream();
        pair.Client.SendStream(first, [1], fin: false);
        await Until(() => pair.ServerHandler.OctetsOf(first) == 1);

        pair.Server.StopSending(first, 0x4321);

        Assert.Equal(("stop", first, 0x4321UL), await pair.ClientHandler.StreamEnds.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout));
        pair.Client.SendStream(first, [2], fin: true); // Too late: it has no effect.
        long second = pair.Client.OpenUnidirectionalStream();
        pair.Client.SendStream(second, [9], fin: true);
        Assert.Equal(second, (await pair.ServerHandler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).StreamId);
        Assert.Equal(1, pair.ServerHandler.OctetsOf(first));
    }

    [Fact]
    public async Task A_stream_carries_no_more_than_MaxStreamData()
    {
        await using var quic = new QuicFixture(server: o => o.MaxStreamData = 1000);
        Pair pair = await quic.ConnectPairAsync();

        long greedy = pair.Client.OpenUnidirectionalStream(), modest = pair.Client.OpenUnidirectionalStream();
        pair.Client.SendStream(greedy, new byte[5000], fin: true);
        pair.Client.SendStream(modest, new byte[1000], fin: true);

        Assert.Equal(modest, (await pair.ServerHandler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).StreamId);
        await RoundTrip(pair);
        Assert.Equal(1000, pair.ServerHandler.OctetsOf(greedy));
        Assert.False(pair.ServerHandler.IsClosed);
    }

    [Fact]
    public async Task A_peer_that_opens_stream_after_stream_gets_no_more_than_MaxStreams()
    {
        await using var quic = new QuicFixture(server: o => o.MaxStreams = 20);
        Pair pair = await quic.ConnectPairAsync();

        for (int i = 0; i < 50; i++)
        {
            pair.Client.SendStream(pair.Client.OpenUnidirectionalStream(), [1], fin: true);
        }

        for (int i = 0; i < 20; i++)
        {
            await pair.ServerHandler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
        }

        await RoundTrip(pair);

        Assert.False(pair.ServerHandler.Streams.TryRead(out _));
        Assert.False(pair.ServerHandler.IsClosed);
    }

    [Fact]
    public async Task Unacknowledged_bytes_are_limited_and_acknowledgements_make_room()
    {
        await using var quic = new QuicFixture(server: o => o.MaxStreamData = 16 * 1024 * 1024);
        Pair pair = await quic.ConnectPairAsync(o => o.MaxStreamSendBuffer = 1000);
        long id = pair.Client.OpenUnidirectionalStream();

        pair.Client.SendStream(id, new byte[1000], fin: false);
        Assert.Throws<InvalidOperationException>(() => pair.Client.SendStream(id, new byte[1001], fin: false));
        for (int sent = 1000; sent < 20_000; sent += 1000)
        {
            await Until(() =>
            {
                try
                {
                    pair.Client.SendStream(id, new byte[1000], fin: false);
                    return true;
                }
                catch (InvalidOperationException)
                {
                    return false;
                }
            });
        }
        await Until(() => pair.ServerHandler.OctetsOf(id) == 20_000);
    }

    [Fact]
    public async Task Calls_for_a_stream_that_this_end_did_not_open_have_no_effect()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();

        pair.Client.SendStream(3, [1], fin: true);
        pair.Client.SendStream(2, [1], fin: true);
        pair.Client.ResetStream(6, 1);
        pair.Client.StopSending(3, 1);
        await RoundTrip(pair);

        Assert.False(pair.ServerHandler.Streams.TryRead(out _));
        Assert.False(pair.ClientHandler.IsClosed);
    }

    [Fact]
    public async Task Streams_sent_before_the_handshake_is_done_arrive_after_it()
    {
        await using var quic = new QuicFixture();
        (IQuicConnection? connection, RecordingHandler? handler) = quic.Connect();
        connection.SendStream(connection.OpenUnidirectionalStream(), "early"u8, fin: true);

        RecordingHandler server = await quic.AcceptedAsync();

        Assert.Equal("early"u8.ToArray(), (await server.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).Data);
        await handler.Connected;
        Assert.Empty(server.Violations);
    }

    private static async Task RoundTrip(Pair pair)
    {
        pair.Client.TrySendDatagram([], "there"u8);
        await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
        pair.Server.TrySendDatagram([], "back"u8);
        await pair.ClientHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
    }

    private static Task Until(Func<bool> condition) => RecordingHandler.Until(condition);
}
