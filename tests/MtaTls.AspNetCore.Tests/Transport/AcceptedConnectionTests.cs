using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.AspNetCore.Transport;

namespace MtaTls.AspNetCore.Tests.Transport;

/// <summary>A connection that is not read until it is decided whether Kestrel's transport or a session reads it.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "xunit calls IAsyncLifetime.DisposeAsync.")]
public sealed class AcceptedConnectionTests : IAsyncLifetime
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(5);

    private readonly Socket _peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly FakeLogger _logger = new();
    private IConnectionListener _listener = null!;
    private AcceptedConnection _connection = null!;

    public async ValueTask InitializeAsync()
    {
        _listener = AcceptedConnectionListener.Bind(new IPEndPoint(IPAddress.Loopback, 0), new SocketTransportOptions(), new SocketConnectionFactoryOptions(), null, _logger, TimeProvider.System);
        await _peer.ConnectAsync(_listener.EndPoint);
        _connection = (AcceptedConnection)(await _listener.AcceptAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _listener.DisposeAsync();
        _peer.Dispose();
    }

    [Fact]
    public void It_has_the_properties_of_Kestrels_connections()
    {
        Assert.Equal(_peer.LocalEndPoint, _connection.RemoteEndPoint);
        Assert.Equal(_peer.RemoteEndPoint, _connection.LocalEndPoint);
        Assert.Equal(_connection.Socket, _connection.Features.Get<IConnectionSocketFeature>()!.Socket);
        Assert.NotNull(_connection.Features.Get<IMemoryPoolFeature>()!.MemoryPool);
        Assert.Equal(_connection.ConnectionId, _connection.Features.Get<IConnectionIdFeature>()!.ConnectionId);
        Assert.Matches("^[0-9A-V]{13}$", _connection.ConnectionId);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Peeked_bytes_come_first_for_a_session_and_for_Kestrel(bool session)
    {
        await _peer.SendAsync("hello "u8.ToArray());
        await PeekAsync("hello ");
        string taken = session ? Encoding.ASCII.GetString(_connection.TakeSocket().Span) : "";

        IDuplexPipe transport = _connection.Transport;
        Assert.Same(transport, _connection.Transport);
        await _peer.SendAsync("world"u8.ToArray());
        Assert.Equal("hello world", taken + await ReadAsync(transport.Input, 11 - taken.Length));
        Assert.Equal(session ? 6 : 0, taken.Length);
        await transport.Output.WriteAsync("answer"u8.ToArray());
        byte[] answer = new byte[6];
        await new NetworkStream(_peer).ReadExactlyAsync(answer).AsTask().WaitAsync(s_hang);
        Assert.Equal("answer"u8, answer);
    }

    [Fact]
    public async Task A_transport_that_is_already_in_use_is_kept()
    {
        IDuplexPipe transport = _connection.Transport;
        Assert.Null(_connection.Peek());
        Assert.True(_connection.TakeSocket().IsEmpty);
        Assert.Same(transport, _connection.Transport);
        await _peer.SendAsync("hello"u8.ToArray());
        Assert.Equal("hello", await ReadAsync(transport.Input, 5));
    }

    [Fact]
    public void A_transport_that_middleware_has_set_is_used()
    {
        Pipe pipe = new();
        DuplexPipe own = new(pipe.Reader, pipe.Writer);
        _connection.Transport = own;
        Assert.Null(_connection.Peek());
        _connection.TakeSocket();
        Assert.Same(own, _connection.Transport);
    }

    // Kestrel's loop reads ahead, so a running request notices it.
    [Fact]
    public async Task An_ordinary_connection_notices_a_disconnected_peer_without_a_read()
    {
        TaskCompletionSource closed = new();
        _connection.ConnectionClosed.Register(closed.SetResult);
        await _peer.SendAsync("hello"u8.ToArray());
        await PeekAsync("hello");
        _ = _connection.Transport;
        _peer.LingerState = new LingerOption(true, 0);
        _peer.Dispose();
        await closed.Task.WaitAsync(s_hang);
    }

    [Theory]
    [InlineData(State.New)]
    [InlineData(State.Peeking)]
    [InlineData(State.Kestrel)]
    [InlineData(State.Session)]
    public async Task An_abort_ends_reads_and_the_connection(State state)
    {
        Task read = await BeginAsync(state);
        TaskCompletionSource closed = new();
        _connection.ConnectionClosed.Register(closed.SetResult);
        _connection.Abort(new ConnectionAbortedException("test"));
        await closed.Task.WaitAsync(s_hang);
        Assert.Equal(0, await ReceiveAsync());
        // The read fails or returns the end.
        await read.ContinueWith(static _ => { }, TaskScheduler.Default).WaitAsync(s_hang);
        _connection.Abort(new ConnectionAbortedException("again"));
    }

    [Theory]
    [InlineData(State.New)]
    [InlineData(State.Peeking)]
    [InlineData(State.Kestrel)]
    [InlineData(State.Session)]
    public async Task Disposal_closes_the_socket(State state)
    {
        Task read = await BeginAsync(state);
        if (state == State.Kestrel)
        {
            _connection.Abort(new ConnectionAbortedException("Kestrel's HTTP layer completes the pipes, but this test has none."));
        }

        await _connection.DisposeAsync().AsTask().WaitAsync(s_hang);
        Assert.Equal(0, await ReceiveAsync());
        await read.ContinueWith(static _ => { }, TaskScheduler.Default).WaitAsync(s_hang);
        Assert.Throws<ObjectDisposedException>(() => _connection.Socket.Available);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_callback_that_throws_does_no_harm(bool kestrels)
    {
        if (kestrels)
        {
            _ = _connection.Transport;
        }

        TaskCompletionSource closed = new();
        _connection.ConnectionClosed.Register(closed.SetResult);
        _connection.ConnectionClosed.Register(static () => throw new InvalidOperationException("test"));
        _connection.Abort(new ConnectionAbortedException("test"));
        await closed.Task.WaitAsync(s_hang);
        FakeLogRecord record = await LoggedAsync();
        Assert.IsType<AggregateException>(record.Exception);
    }

    // The kernel drops unsent data when a socket is closed with unread bytes.
    [Fact]
    public async Task The_last_bytes_arrive_although_the_peer_has_sent_more_than_was_read()
    {
        await _peer.SendAsync("hello"u8.ToArray());
        await PeekAsync("hello");
        _connection.TakeSocket();
        await _peer.SendAsync(new byte[10_000]);
        // As much as the kernel accepts, which varies.
        int written = 0;
        for (Task write = Task.CompletedTask; written < 1_000_000 && write.IsCompleted; written += write.IsCompleted ? 50_000 : 0)
        {
            write = _connection.Transport.Output.WriteAsync(new byte[50_000]).AsTask();
        }

        await _connection.DisposeAsync().AsTask().WaitAsync(s_hang);
        int received = 0;
        byte[] buffer = new byte[65_536];
        for (int count; (count = await _peer.ReceiveAsync(buffer).WaitAsync(s_hang)) > 0;)
        {
            received += count;
        }

        Assert.InRange(received, written, written + 50_000);
    }

    [Theory]
    [InlineData(State.New)]
    [InlineData(State.Kestrel)]
    [InlineData(State.Session)]
    public async Task An_abort_resets_the_connection(State state)
    {
        await BeginAsync(state);
        _connection.Abort(new ConnectionAbortedException("test"));
        SocketException e = await Assert.ThrowsAsync<SocketException>(() => _peer.ReceiveAsync(new byte[1]).WaitAsync(s_hang));
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
    }

    [Fact]
    public async Task After_an_abort_the_transport_has_ended()
    {
        _connection.Abort(new ConnectionAbortedException("test"));
        Assert.Null(_connection.Peek());
        _connection.TakeSocket();
        await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await _connection.Transport.Input.ReadAsync());
    }

    [Fact]
    public async Task A_socket_that_other_code_has_closed_can_be_aborted()
    {
        TaskCompletionSource closed = new();
        _connection.ConnectionClosed.Register(closed.SetResult);
        _connection.Socket.Dispose();
        _connection.Abort(new ConnectionAbortedException("test"));
        await closed.Task.WaitAsync(s_hang);
    }

    [Fact]
    public async Task A_listener_that_is_unbound_accepts_no_more()
    {
        ValueTask<ConnectionContext?> accept = _listener.AcceptAsync();
        await _listener.UnbindAsync();
        Assert.Null(await accept.AsTask().WaitAsync(s_hang));
    }

    [Fact]
    public void A_port_in_use_is_reported_as_by_Kestrel()
        => Assert.Throws<AddressInUseException>(
            () => AcceptedConnectionListener.Bind(_listener.EndPoint, new SocketTransportOptions(), new SocketConnectionFactoryOptions(), null, NullLogger.Instance, TimeProvider.System));

    private async Task<Task> BeginAsync(State state)
    {
        switch (state)
        {
            case State.New:
                return Task.CompletedTask;
            case State.Peeking:
                return _connection.Peek()!.ReadAsync().AsTask();
            default:
                await _peer.SendAsync("hello"u8.ToArray());
                await PeekAsync("hello");
                if (state == State.Session)
                {
                    _connection.TakeSocket();
                }

                PipeReader input = _connection.Transport.Input;
                if (state == State.Kestrel)
                {
                    ReadResult result = await input.ReadAsync();
                    input.AdvanceTo(result.Buffer.End);
                }

                return input.ReadAsync().AsTask();
        }
    }

    private async Task<FakeLogRecord> LoggedAsync()
    {
        using CancellationTokenSource hang = new(s_hang);
        while (true)
        {
            if (_logger.Collector.GetSnapshot().FirstOrDefault(static r => r.Level >= LogLevel.Error) is { } record)
            {
                return record;
            }

            await Task.Delay(10, hang.Token);
        }
    }

    private async Task PeekAsync(string expected)
    {
        PipeReader peek = _connection.Peek()!;
        ReadResult result = await peek.ReadAsync();
        Assert.Equal(expected, Encoding.ASCII.GetString(result.Buffer.ToArray()));
        peek.AdvanceTo(result.Buffer.Start);
    }

    private static async Task<string> ReadAsync(PipeReader input, int length)
    {
        ReadResult result = await input.ReadAtLeastAsync(length).AsTask().WaitAsync(s_hang);
        string text = Encoding.ASCII.GetString(result.Buffer.ToArray());
        input.AdvanceTo(result.Buffer.End);
        return text;
    }

    private async Task<int> ReceiveAsync()
    {
        try
        {
            return await _peer.ReceiveAsync(new byte[1]).WaitAsync(s_hang);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }

    public enum State
    {
        New,
        Peeking,
        Kestrel,
        Session,
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
