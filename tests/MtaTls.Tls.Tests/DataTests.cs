using System.IO.Pipelines;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>Application data between two engines.</summary>
public class DataTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Both_ends_read_and_write_at_once_on_sockets(SslProtocols version)
    {
        const int Length = 32 * 1024 * 1024;
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        (Socket clientSocket, Socket serverSocket) = await DuplexPipe.SocketsAsync();
        await using Pair pair = await TlsTest.ConnectAsync(client, server, (DuplexPipe.Over(clientSocket), DuplexPipe.Over(serverSocket)));
        Task<byte[]>[] tasks = [SendAsync(pair.Client, Length, 1), SendAsync(pair.Server, Length, 2), ReceiveAsync(pair.Server, Length), ReceiveAsync(pair.Client, Length)];
        byte[][] hashes = await Task.WhenAll(tasks).WaitAsync(TlsTest.HangTimeout);
        Assert.Equal(hashes[0], hashes[2]);
        Assert.Equal(hashes[1], hashes[3]);
        await pair.CloseAsync();
    }

    /// <summary>No continuation of a pipe that runs them inline runs under the connection's lock.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Both_ends_read_and_write_at_once_on_inline_pipes(SslProtocols version)
    {
        const int Length = 4 * 1024 * 1024;
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        var options = new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 40_000, resumeWriterThreshold: 10_000, useSynchronizationContext: false);
        await using Pair pair = await TlsTest.ConnectAsync(client, server, DuplexPipe.InMemory(options));
        Task<byte[]>[] tasks = [SendAsync(pair.Client, Length, 1), SendAsync(pair.Server, Length, 2), ReceiveAsync(pair.Server, Length), ReceiveAsync(pair.Client, Length)];
        byte[][] hashes = await Task.WhenAll(tasks).WaitAsync(TlsTest.HangTimeout);
        Assert.Equal(hashes[0], hashes[2]);
        Assert.Equal(hashes[1], hashes[3]);
    }

    /// <summary>Records of all sizes and transports that split them anywhere.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Single_octets_of_transport(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        (DuplexPipe clientPipe, DuplexPipe near) = DuplexPipe.InMemory();
        (DuplexPipe far, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task up = DripAsync(near.Input, far.Output);
        Task down = DripAsync(far.Input, near.Output);
        await using (Pair pair = await TlsTest.ConnectAsync(client, server, (clientPipe, serverPipe)))
        {
            foreach (int size in (int[])[1, 2, 16_383, 16_384, 16_385, 40_000])
            {
                byte[] data = RandomNumberGenerator.GetBytes(size);
                Task<byte[]> received = pair.Server.ReadExactlyAsync(size);
                await pair.Client.SendAsync(data);
                Assert.Equal(data, await received);
            }

            await pair.Client.CompleteAsync(TlsTest.Timeout());
            await pair.Server.CompleteAsync(TlsTest.Timeout());
        }

        await Task.WhenAll(up, down).WaitAsync(TlsTest.HangTimeout);
    }

    /// <summary>Advanced bytes are collected into one record. A write comes after them.</summary>
    [Fact]
    public async Task Small_pieces_share_a_record()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        using TlsClientContext client = TlsTest.Client(SslProtocols.Tls13);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        await pair.Client.SendAsync([0]);
        await pair.Server.ReadExactlyAsync(1);

        const int Pieces = 1000;
        for (int i = 0; i < Pieces; i++)
        {
            pair.Client.GetMemory(10).Span[..10].Fill((byte)i);
            pair.Client.Advance(10);
        }

        await pair.Client.FlushAsync();
        byte[] buffer = new byte[20_000];
        Assert.Equal(Pieces * 10, await pair.Server.ReadAsync(buffer));
        for (int i = 0; i < Pieces * 10; i++)
        {
            Assert.Equal((byte)(i / 10), buffer[i]);
        }
    }

    [Fact]
    public async Task Memory_of_any_size_can_be_had()
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        byte[] sent = RandomNumberGenerator.GetBytes(100_001);
        sent.AsSpan(0, 1).CopyTo(pair.Client.GetMemory().Span);
        pair.Client.Advance(1);
        Memory<byte> large = pair.Client.GetMemory(100_000);
        Assert.True(large.Length >= 100_000);
        sent.AsSpan(1).CopyTo(large.Span);
        pair.Client.Advance(100_000);
        Task flush = pair.Client.FlushAsync().AsTask();
        Assert.Equal(sent, await pair.Server.ReadExactlyAsync(sent.Length));
        await flush;
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Client.Advance(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Client.GetMemory(-1));
        Memory<byte> some = pair.Client.GetMemory();
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Client.Advance(some.Length + 1));
        await Assert.ThrowsAsync<ArgumentException>(() => pair.Client.ReadAsync(Memory<byte>.Empty).AsTask());
    }

    [Fact]
    public async Task Read_can_be_cancelled_and_the_session_goes_on()
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        using var cancellation = new CancellationTokenSource();
        Task<int> read = pair.Server.ReadAsync(new byte[10], cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await pair.Client.SendAsync([1, 2, 3]);
        Assert.Equal([1, 2, 3], await pair.Server.ReadExactlyAsync(3));
    }

    private static async Task DripAsync(PipeReader from, PipeWriter to)
    {
        while (true)
        {
            ReadResult result = await from.ReadAsync();
            foreach (ReadOnlyMemory<byte> segment in result.Buffer)
            {
                for (int i = 0; i < segment.Length; i++)
                {
                    await to.WriteAsync(segment.Slice(i, 1));
                }
            }

            from.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                await to.CompleteAsync();
                return;
            }
        }
    }

    private static async Task<byte[]> SendAsync(TlsConnection connection, int length, int seed)
    {
        await Task.Yield();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var random = new Random(seed);
        byte[] data = new byte[60_000];
        random.NextBytes(data);
        for (int sent = 0; sent < length;)
        {
            int count = Math.Min(random.Next(1, data.Length), length - sent);
            hash.AppendData(data, 0, count);
            connection.Write(data.AsSpan(0, count));
            await connection.FlushAsync();
            sent += count;
        }

        return hash.GetHashAndReset();
    }

    private static async Task<byte[]> ReceiveAsync(TlsConnection connection, int length)
    {
        await Task.Yield();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[60_000];
        for (int got = 0; got < length;)
        {
            int count = await connection.ReadAsync(buffer);
            Assert.True(count > 0);
            hash.AppendData(buffer, 0, count);
            got += count;
        }

        return hash.GetHashAndReset();
    }
}
