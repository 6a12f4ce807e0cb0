using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.AspNetCore.Tests.Routing;

/// <summary>The rules of docs/mta-tls-wire.md for TCP behind a channel, on real sockets.</summary>
public sealed class TcpTunnelTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(5);

    private readonly Pipe _toGateway = new();
    private readonly Pipe _toPeer = new(new PipeOptions(pauseWriterThreshold: 256 * 1024, resumeWriterThreshold: 128 * 1024));
    private Socket _destination = null!;
    private Socket _socket = null!;

    private PipeWriter PeerOutput => _toGateway.Writer;

    private PipeReader PeerInput => _toPeer.Reader;

    public async ValueTask InitializeAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await _socket.ConnectAsync(listener.LocalEndPoint!);
        _destination = await listener.AcceptAsync();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Dispose()
    {
        _destination.Dispose();
        _socket.Dispose();
    }

    [Fact]
    public async Task Bytes_pass_both_ways_unchanged()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run);
        byte[] sent = Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 31)).ToArray();
        var echo = Task.Run(async () =>
        {
            byte[] buffer = new byte[10_000];
            int n;
            while ((n = await _destination.ReceiveAsync(buffer)) > 0)
            {
                await _destination.SendAsync(buffer.AsMemory(0, n));
            }
        });
        Task<FlushResult> send = PeerOutput.WriteAsync(sent).AsTask();
        byte[] received = await ReadAsync(sent.Length);
        await send.WaitAsync(s_hang);
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal(sent.Length, tunnel.BytesSent);
        Assert.Equal(sent.Length, tunnel.BytesReceived);

        await PeerOutput.CompleteAsync();
        await echo.WaitAsync(s_hang);
        _destination.Shutdown(SocketShutdown.Send);
        Assert.Equal(TcpTunnelEnd.ChannelClosed, await run.WaitAsync(s_hang));
    }

    [Fact]
    public async Task The_destinations_FIN_closes_the_channel_after_all_has_been_sent()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run);
        await _destination.SendAsync("the last words"u8.ToArray());
        _destination.Shutdown(SocketShutdown.Send);
        Assert.Equal("the last words", Encoding.ASCII.GetString(await ReadToEndAsync()));
        Assert.Equal(TcpTunnelEnd.DestinationClosed, await run.WaitAsync(s_hang));
        Assert.Equal(0, await _destination.ReceiveAsync(new byte[1]).WaitAsync(s_hang));
        // The peer's writes show at once that the channel is closed.
        Assert.True((await PeerOutput.WriteAsync(new byte[1])).IsCompleted);
    }

    // The destination may still read. A FIN would tell it that it has all data.
    [Fact]
    public async Task A_destination_that_half_closes_in_the_middle_of_an_upload_is_reset()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run);
        Task<FlushResult> upload = PeerOutput.WriteAsync(new byte[32 * 1024 * 1024]).AsTask();
        // After the first byte the tunnel sends and cannot finish, because the kernel accepts only a few MiB.
        Assert.Equal(1, await _destination.ReceiveAsync(new byte[1]).WaitAsync(s_hang));
        _destination.Shutdown(SocketShutdown.Send);
        Assert.Equal(TcpTunnelEnd.DestinationClosed, await run.WaitAsync(s_hang));
        SocketException error = await Assert.ThrowsAsync<SocketException>(async () => await ReceiveAllAsync());
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        await upload.WaitAsync(s_hang);

        async Task ReceiveAllAsync()
        {
            byte[] buffer = new byte[65_536];
            while (await _destination.ReceiveAsync(buffer).WaitAsync(s_hang) > 0)
            {
            }
        }
    }

    [Fact]
    public async Task A_closed_channel_becomes_a_FIN_after_all_received_data()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run);
        await PeerOutput.WriteAsync("the last words"u8.ToArray());
        await PeerOutput.CompleteAsync();
        Assert.Equal("the last words", Encoding.ASCII.GetString(await ReceiveToEndAsync()));
        Assert.False(run.IsCompleted);
        // Later data of the destination is read and discarded.
        await PeerInput.CompleteAsync();
        await _destination.SendAsync(new byte[100_000]).WaitAsync(s_hang);
        _destination.Shutdown(SocketShutdown.Send);
        Assert.Equal(TcpTunnelEnd.ChannelClosed, await run.WaitAsync(s_hang));
    }

    [Fact]
    public async Task A_connection_whose_destination_never_closes_ends_after_HalfCloseLinger()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run, TimeSpan.FromMilliseconds(50));
        await PeerOutput.CompleteAsync();
        Assert.Equal(TcpTunnelEnd.ChannelClosed, await run.WaitAsync(s_hang));
    }

    [Fact]
    public async Task A_connection_whose_destination_never_reads_ends_after_HalfCloseLinger()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run, TimeSpan.FromMilliseconds(50));
        // More than both sockets and the pipe can hold, so the tunnel's send does not complete.
        Task<FlushResult> write = PeerOutput.WriteAsync(new byte[32 * 1024 * 1024]).AsTask();
        tunnel.ChannelClosed();
        Assert.Equal(TcpTunnelEnd.ChannelClosed, await run.WaitAsync(s_hang));
        Assert.True((await write.WaitAsync(s_hang)).IsCompleted);
    }

    [Fact]
    public async Task A_channel_that_failed_resets_the_destination()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run);
        await PeerOutput.CompleteAsync(new IOException("truncated"));
        Assert.Equal(TcpTunnelEnd.ChannelFailed, await run.WaitAsync(s_hang));
        SocketException error = await Assert.ThrowsAsync<SocketException>(() => _destination.ReceiveAsync(new byte[1]).WaitAsync(s_hang));
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        Assert.IsType<IOException>(tunnel.Error);
    }

    [Fact]
    public async Task A_destination_that_resets_fails_the_channel()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run);
        _destination.LingerState = new LingerOption(true, 0);
        _destination.Dispose();
        Assert.Equal(TcpTunnelEnd.DestinationFailed, await run.WaitAsync(s_hang));
        await Assert.ThrowsAsync<SocketException>(() => ReadToEndAsync());
    }

    [Fact]
    public async Task A_peer_that_does_not_read_stops_the_destination_and_nothing_else()
    {
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run);
        Task<int> flood = _destination.SendAsync(new byte[32 * 1024 * 1024]);
        await PeerOutput.WriteAsync("still here"u8.ToArray());
        byte[] buffer = new byte[10];
        Assert.Equal(10, await _destination.ReceiveAsync(buffer).WaitAsync(s_hang));
        Assert.False(flood.IsCompleted);
        await PeerInput.CompleteAsync();
        await PeerOutput.CompleteAsync();
        Assert.Equal(32 * 1024 * 1024, await flood.WaitAsync(s_hang));
        _destination.Shutdown(SocketShutdown.Send);
        Assert.Equal(TcpTunnelEnd.ChannelClosed, await run.WaitAsync(s_hang));
    }

    [Fact]
    public async Task At_shutdown_a_tunnel_in_use_continues_and_an_idle_one_ends_with_a_FIN()
    {
        var time = new FakeTimeProvider();
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run, time: time);
        tunnel.ShutDown(TimeSpan.FromSeconds(5));
        for (int i = 0; i < 5; i++)
        {
            time.Advance(TimeSpan.FromSeconds(4));
            // Two bytes: when the second arrives, the first has been counted as progress.
            foreach (byte octet in "ab"u8.ToArray())
            {
                await PeerOutput.WriteAsync(new[] { octet });
                Assert.Equal(1, await _destination.ReceiveAsync(new byte[1]).WaitAsync(s_hang));
            }
        }

        Assert.False(run.IsCompleted);
        Assert.Equal(TcpTunnelEnd.ServerStopped, await EndOfIdleAsync(run, time));
        Assert.Empty(await ReceiveToEndAsync());
        Assert.Empty(await ReadToEndAsync());
    }

    [Fact]
    public async Task At_shutdown_a_tunnel_whose_destination_owes_an_answer_waits_for_it()
    {
        var time = new FakeTimeProvider();
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run, time: time);
        tunnel.ShutDown(TimeSpan.FromSeconds(5), server: TcpTunnelSide.Socket);
        // Two bytes: when the second arrives, the first has been counted.
        foreach (byte octet in "?\n"u8.ToArray())
        {
            await PeerOutput.WriteAsync(new[] { octet });
            Assert.Equal(1, await _destination.ReceiveAsync(new byte[1]).WaitAsync(s_hang));
        }

        time.Advance(TimeSpan.FromHours(1));
        Assert.False(run.IsCompleted);
        foreach (byte octet in "!\n"u8.ToArray())
        {
            await _destination.SendAsync(new[] { octet });
            await ReadAsync(1);
        }

        Assert.Equal(TcpTunnelEnd.ServerStopped, await EndOfIdleAsync(run, time));
    }

    [Fact]
    public async Task At_shutdown_a_tunnel_whose_channel_owes_an_answer_waits_for_it()
    {
        var time = new FakeTimeProvider();
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd>? run, time: time);
        foreach (byte octet in "?\n"u8.ToArray())
        {
            await _destination.SendAsync(new[] { octet });
            await ReadAsync(1);
        }

        // The request came before the shutdown.
        tunnel.ShutDown(TimeSpan.FromSeconds(5), server: TcpTunnelSide.Channel);
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(run.IsCompleted);
        // When the channel closes, no answer can come.
        tunnel.ChannelClosed();
        await EndOfIdleAsync(run, time);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_shutdown_a_connection_whose_destination_never_closes_ends_sooner(bool isClosedFirst)
    {
        var time = new FakeTimeProvider();
        using TcpTunnel tunnel = Start(out Task<TcpTunnelEnd> run, TimeSpan.FromSeconds(30), time);
        Action[] steps = [tunnel.ChannelClosed, () => tunnel.ShutDown(TimeSpan.FromSeconds(5))];
        foreach (Action step in isClosedFirst ? steps : steps.Reverse())
        {
            step();
        }

        time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromMilliseconds(1));
        Assert.False(run.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(TcpTunnelEnd.ChannelClosed, await run.WaitAsync(s_hang));
        Assert.False(tunnel.HasGivenUp);
    }

    private TcpTunnel Start(out Task<TcpTunnelEnd> run, TimeSpan? linger = null, TimeProvider? time = null)
    {
        var tunnel = new TcpTunnel(_socket, new Duplex(_toGateway.Reader, _toPeer.Writer), linger ?? TimeSpan.FromMinutes(10), time ?? TimeProvider.System);
        run = RunAsync(tunnel);
        return tunnel;
    }

    /// <summary>Runs the tunnel and then closes or aborts the channel, as TcpForwarder does.</summary>
    private async Task<TcpTunnelEnd> RunAsync(TcpTunnel tunnel)
    {
        TcpTunnelEnd end = await tunnel.RunAsync();
        await _toGateway.Reader.CompleteAsync();
        await _toPeer.Writer.CompleteAsync(end is TcpTunnelEnd.DestinationFailed ? tunnel.Error : null);
        return end;
    }

    /// <summary>Lets the idle time pass until the tunnel ends. The last byte may be counted only now, and then it begins again.</summary>
    private static async Task<TcpTunnelEnd> EndOfIdleAsync(Task<TcpTunnelEnd> run, FakeTimeProvider time)
    {
        using CancellationTokenSource hang = new(s_hang);
        while (!run.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(1, hang.Token);
        }

        return await run;
    }

    private async Task<byte[]> ReadAsync(int count)
    {
        using var timeout = new CancellationTokenSource(s_hang);
        byte[] bytes = new byte[count];
        await PeerInput.AsStream().ReadExactlyAsync(bytes, timeout.Token);
        return bytes;
    }

    private async Task<byte[]> ReadToEndAsync()
    {
        using var timeout = new CancellationTokenSource(s_hang);
        var all = new MemoryStream();
        await PeerInput.AsStream().CopyToAsync(all, timeout.Token);
        return all.ToArray();
    }

    private async Task<byte[]> ReceiveToEndAsync()
    {
        using var timeout = new CancellationTokenSource(s_hang);
        var all = new MemoryStream();
        await using var stream = new NetworkStream(_destination);
        await stream.CopyToAsync(all, timeout.Token);
        return all.ToArray();
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
