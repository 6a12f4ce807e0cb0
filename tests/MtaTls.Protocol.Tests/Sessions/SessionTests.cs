using System.Buffers;
using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

public class SessionTests
{
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    [Fact]
    public async Task A_channel_carries_octets_both_ways_and_closes_in_order()
    {
        await using var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        Assert.Equal(client.Id, server.Id);
        Assert.Equal(SessionPair.Destination, server.Destination);
        Assert.Equal(SessionPair.Source, server.Source);
        Assert.Equal(0, client.Id.Sender & 0x8000);
        Assert.Equal(0x8000, client.Id.Receiver & 0x8000);

        await client.Output.WriteAsync("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await ReadExactlyAsync(server.Input, 4));
        await server.Output.WriteAsync("pong"u8.ToArray());
        Assert.Equal("pong"u8.ToArray(), await ReadExactlyAsync(client.Input, 4));

        await client.CloseAsync().AsTask().WaitAsync(s_hang);
        ReadResult end = await server.Input.ReadAsync().AsTask().WaitAsync(s_hang);
        Assert.True(end.IsCompleted);
        Assert.True(end.Buffer.IsEmpty);
        await server.DisposeAsync();
        await pair.Client.ShutdownAsync().WaitAsync(s_hang);
        await pair.Server.Completion.WaitAsync(s_hang);
        Assert.Equal(0, pair.Client.ActiveChannels);
        Assert.Equal(0, pair.Server.ActiveChannels);
    }

    [Fact]
    public async Task A_large_transfer_arrives_whole_and_in_order()
    {
        await using var pair = SessionPair.Create();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        byte[] sent = new byte[5_000_000];
        new Random(1).NextBytes(sent);
        Task writing = client.Output.WriteAsync(sent).AsTask();
        byte[] received = await ReadExactlyAsync(server.Input, sent.Length).WaitAsync(s_hang);
        await writing.WaitAsync(s_hang);
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal(sent.Length, server.BytesReceived);
    }

    private static async Task<byte[]> ReadExactlyAsync(PipeReader reader, int count)
    {
        ReadResult result = await reader.ReadAtLeastAsync(count);
        byte[] octets = result.Buffer.Slice(0, count).ToArray();
        reader.AdvanceTo(result.Buffer.GetPosition(count));
        return octets;
    }
}
