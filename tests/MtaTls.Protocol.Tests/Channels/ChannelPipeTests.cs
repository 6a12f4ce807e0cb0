using System.Buffers;
using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

/// <summary>A channel behaves like other pipes and streams, as Kestrel and other callers expect.</summary>
public class ChannelPipeTests
{
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    [Fact]
    public async Task A_flush_waits_while_too_much_is_unsent_and_goes_on_when_half_of_it_was_sent()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.OutputBufferSize = 1000);
        MtaTlsChannel channel = await peer.OpenAsync(window: 0);
        await channel.Output.WriteAsync(new byte[999]).AsTask().WaitAsync(s_hang);
        Task<FlushResult> flush = channel.Output.WriteAsync(new byte[1]).AsTask();
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 499));
        await peer.ReceiveAsync(PacketType.Plaintext);
        await peer.SettleAsync();
        Assert.False(flush.IsCompleted);
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 1));
        FlushResult result = await flush.WaitAsync(s_hang);
        Assert.False(result.IsCompleted || result.IsCanceled);
    }

    [Fact]
    public async Task A_waiting_flush_can_be_cancelled_in_either_way()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.OutputBufferSize = 10);
        MtaTlsChannel channel = await peer.OpenAsync(window: 0);
        Task<FlushResult> flush = channel.Output.WriteAsync(new byte[10]).AsTask();
        channel.Output.CancelPendingFlush();
        Assert.True((await flush.WaitAsync(s_hang)).IsCanceled);
        channel.Output.CancelPendingFlush();   // no flush is pending: this cancels the next one
        Assert.True((await channel.Output.FlushAsync()).IsCanceled);
        using var cancel = new CancellationTokenSource();
        flush = channel.Output.FlushAsync(cancel.Token).AsTask();
        Assert.False(flush.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush.WaitAsync(s_hang));
        // The cancellations lost no data.
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 100));
        Assert.Equal(10, (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length);
    }

    [Fact]
    public async Task A_waiting_read_can_be_cancelled_in_either_way()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        Task<ReadResult> read = channel.Input.ReadAsync().AsTask();
        channel.Input.CancelPendingRead();
        ReadResult result = await read.WaitAsync(s_hang);
        Assert.True(result.IsCanceled);
        channel.Input.AdvanceTo(result.Buffer.Start);
        channel.Input.CancelPendingRead();   // no read is pending: this cancels the next one
        Assert.True(channel.Input.TryRead(out result) && result.IsCanceled);
        channel.Input.AdvanceTo(result.Buffer.End);
        using var cancel = new CancellationTokenSource();
        read = channel.Input.ReadAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(s_hang));
        await peer.SendAsync(RawPeer.Data(channel.Id, 5));
        result = await channel.Input.ReadAsync().AsTask().WaitAsync(s_hang);
        Assert.Equal(5, result.Buffer.FirstSpan[0]);
    }

    [Fact]
    public async Task A_read_beside_one_that_waits_takes_nothing_from_it()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        for (int i = 0; i < 200; i++)
        {
            Task<ReadResult> read = channel.Input.ReadAsync().AsTask();
            channel.Input.CancelPendingRead();
            try
            {
                Assert.False(channel.Input.TryRead(out _));
            }
            catch (InvalidOperationException)
            {
                // The pending read has its result already.
            }
            ReadResult result = await read.WaitAsync(s_hang);
            Assert.True(result.IsCanceled);
            channel.Input.AdvanceTo(result.Buffer.End);
        }
    }

    // A queued wake-up can find a reader that waits, that was canceled, or that waits again.
    [Fact]
    public async Task Reads_that_are_cancelled_while_data_arrive_lose_nothing()
    {
        const int Count = 20_000;
        await using var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        var writing = Task.Run(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                await client.Output.WriteAsync(new[] { (byte)i });
                if (i % 3 == 0)
                {
                    await Task.Yield();
                }
            }
            await client.DisposeAsync();
        });
        var random = new Random(1);
        int expected = 0;
        while (true)
        {
            using var cancel = new CancellationTokenSource();
            Task cancelling = random.Next(3) switch { 0 => Task.Run(cancel.Cancel), 1 => Task.Run(server.Input.CancelPendingRead), _ => Task.CompletedTask };
            try
            {
                ReadResult result = await server.Input.ReadAsync(cancel.Token).AsTask().WaitAsync(s_hang);
                foreach (byte octet in result.Buffer.ToArray())
                {
                    Assert.Equal((byte)expected++, octet);
                }

                server.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }
            catch (OperationCanceledException)
            {
            }
            await cancelling;
        }
        Assert.Equal(Count, expected);
        await writing.WaitAsync(s_hang);
    }

    [Fact]
    public async Task What_was_examined_is_not_given_again_until_more_has_arrived()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Data(channel.Id, 1, 2, 3));
        ReadResult result = await channel.Input.ReadAtLeastAsync(3).AsTask().WaitAsync(s_hang);
        channel.Input.AdvanceTo(result.Buffer.GetPosition(1), result.Buffer.End);
        Assert.False(channel.Input.TryRead(out _));
        await peer.SendAsync(RawPeer.Data(channel.Id, 4));
        result = await channel.Input.ReadAsync().AsTask().WaitAsync(s_hang);
        Assert.Equal(new byte[] { 2, 3, 4 }, result.Buffer.ToArray());
        channel.Input.AdvanceTo(result.Buffer.GetPosition(1));   // not examined: the next read returns it at once
        Assert.True(channel.Input.TryRead(out result));
        Assert.Equal(new byte[] { 3, 4 }, result.Buffer.ToArray());
    }

    [Fact]
    public async Task Misuse_is_told()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        Assert.Throws<InvalidOperationException>(() => channel.Input.AdvanceTo(default));
        _ = channel.Input.ReadAsync().AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await channel.Input.ReadAsync());
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.Output.Advance(1));
        channel.Output.Complete();
        Assert.Throws<InvalidOperationException>(() => channel.Output.GetMemory());
        channel.Input.Complete();
        Assert.Throws<InvalidOperationException>(() => channel.Input.TryRead(out _));
    }

    [Fact]
    public async Task Unflushed_octets_are_counted_and_not_sent()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        Assert.True(channel.Output.CanGetUnflushedBytes);
        channel.Output.Write(new byte[20_000]);   // more than a block
        Assert.Equal(20_000, channel.Output.UnflushedBytes);
        await peer.SettleAsync();
        Assert.Equal(0, channel.BytesSent);
        await channel.Output.FlushAsync();
        Assert.Equal(0, channel.Output.UnflushedBytes);
        int received = 0;
        while (received < 20_000)
        {
            received += (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length;
        }

        Assert.Equal(20_000, received);
    }

    [Fact]
    public async Task Memory_of_any_size_can_be_had_and_is_sent_in_packets_that_fit()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(maxPacketLength: 16_375);
        Memory<byte> memory = channel.Output.GetMemory(100_000);
        Assert.True(memory.Length >= 100_000);
        for (int i = 0; i < 100_000; i++)
        {
            memory.Span[i] = (byte)(i % 251);
        }

        channel.Output.Advance(100_000);
        await channel.Output.FlushAsync().AsTask().WaitAsync(s_hang);
        var received = new List<byte>();
        while (received.Count < 100_000)
        {
            received.AddRange((await peer.ReceiveAsync(PacketType.Plaintext)).Data);
        }

        Assert.Equal(Enumerable.Range(0, 100_000).Select(i => (byte)(i % 251)), received);
    }

    [Fact]
    public async Task As_a_stream_it_reads_writes_ends_and_closes()
    {
        await using var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        await using Stream near = client.AsStream();
        await using Stream far = server.AsStream();
        var writing = Task.Run(async () =>
        {
            await near.WriteAsync(new byte[100_000]);
            near.Write(new byte[10]);
            await near.DisposeAsync();
        });
        var all = new MemoryStream();
        await far.CopyToAsync(all).WaitAsync(s_hang);
        await writing.WaitAsync(s_hang);
        Assert.Equal(100_010, all.Length);
        Assert.Equal(0, far.Read(new byte[1]));
        await Assert.ThrowsAsync<IOException>(async () => await far.WriteAsync(new byte[1]));
        Assert.Throws<NotSupportedException>(() => far.Length);
    }

    [Fact]
    public async Task A_close_that_is_cancelled_closes_at_once()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 0);
        await channel.Output.WriteAsync(new byte[10]);
        using var cancel = new CancellationTokenSource();
        Task closing = channel.CloseAsync(cancel.Token).AsTask();
        Assert.False(closing.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => closing.WaitAsync(s_hang));
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
    }
}
