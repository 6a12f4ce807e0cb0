using System.Buffers;
using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

/// <summary>The buffers of a channel while both its application and its session use them.</summary>
public class ChannelBufferTests
{
    [Fact]
    public async Task What_was_written_and_not_flushed_survives_the_sending_of_what_was_flushed_before_it()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 0);
        await channel.Output.WriteAsync(new byte[] { 1 });

        // The first write is in the same block, the second in another one.
        channel.Output.GetSpan(1)[0] = 2;
        channel.Output.Advance(1);
        channel.Output.GetSpan(8000)[0] = 3;
        channel.Output.Advance(1);
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 100));
        Assert.Equal(new byte[] { 1 }, (await peer.ReceiveAsync(PacketType.Plaintext)).Data);
        await peer.SettleAsync();

        await channel.Output.FlushAsync();
        Assert.Equal(new byte[] { 2 }, (await peer.ReceiveAsync(PacketType.Plaintext)).Data);
        Assert.Equal(new byte[] { 3 }, (await peer.ReceiveAsync(PacketType.Plaintext)).Data);
    }

    [Fact]
    public async Task Channels_that_are_read_at_the_same_time_do_not_disturb_each_other()
    {
        await using var pair = SessionPair.Create();
        var channels = new List<(MtaTlsChannel Client, MtaTlsChannel Server)>();
        for (int i = 0; i < 16; i++)
        {
            channels.Add(await pair.OpenAsync());
        }

        await Task.WhenAll(channels.Select((ends, index) => Task.Run(() => EchoAsync(ends.Client, ends.Server, (byte)index)))).WaitAsync(SessionPair.HangTimeout);

        // Channels share blocks through the pool. A position in a block must not be used for another channel.
        static async Task EchoAsync(MtaTlsChannel client, MtaTlsChannel server, byte content)
        {
            byte[] message = [.. Enumerable.Repeat(content, 100)];
            for (int i = 0; i < 2000; i++)
            {
                await client.Output.WriteAsync(message);
                await server.Output.WriteAsync(await TakeAsync(server.Input));
                Assert.Equal(message, await TakeAsync(client.Input));
            }
        }

        static async Task<byte[]> TakeAsync(PipeReader input)
        {
            ReadResult result = await input.ReadAtLeastAsync(100);
            byte[] taken = result.Buffer.ToArray();
            input.AdvanceTo(result.Buffer.End);
            return taken;
        }
    }
}
