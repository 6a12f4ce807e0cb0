using System.Net;
using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

public class QuicLifetimeTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_close_tells_the_peer_its_code_and_reason(bool byClient)
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();

        (byClient ? pair.Client : pair.Server).Close(0x77, "bye");

        (RecordingHandler? local, RecordingHandler? remote) = byClient ? (pair.ClientHandler, pair.ServerHandler) : (pair.ServerHandler, pair.ClientHandler);
        Assert.Equal(new QuicCloseReason(QuicCloseKind.Application, IsRemote: false, 0x77, "bye"), await local.Closed);
        Assert.Equal(new QuicCloseReason(QuicCloseKind.Application, IsRemote: true, 0x77, "bye"), await remote.Closed);
        Assert.False(pair.Client.IsConnected || pair.Server.IsConnected);
        Assert.False(pair.Client.TrySendDatagram([], [1]));
        Assert.Equal(0, pair.Client.MaxDatagramSize);
        pair.Client.Close(1);
        pair.Client.SendStream(pair.Client.OpenUnidirectionalStream(), [1], fin: true);
        await RecordingHandler.Until(() => quic.Listener.Statistics.Connections == 0);
        Assert.Equal(1, local.ClosedCalls);
        Assert.Equal(1, remote.ClosedCalls);
    }

    [Fact]
    public async Task Queued_stream_data_is_sent_before_the_close_and_control_characters_in_a_reason_are_replaced()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();

        pair.Client.SendStream(pair.Client.OpenUnidirectionalStream(), "last words"u8, fin: true);
        pair.Client.Close(0, "line\nfeed" + new string('x', 1000));

        Assert.Equal("last words"u8.ToArray(), (await pair.ServerHandler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).Data);
        QuicCloseReason reason = await pair.ServerHandler.Closed;
        Assert.StartsWith("line\uFFFDfeedx", reason.Text);
        Assert.True(reason.Text.Length <= 256);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Idle_connections_end_on_both_sides_after_the_shorter_time(bool serverIsShorter)
    {
        await using var quic = new QuicFixture(server: o => o.IdleTimeout = TimeSpan.FromSeconds(serverIsShorter ? 5 : 60));
        Pair pair = await quic.ConnectPairAsync(o => o.IdleTimeout = TimeSpan.FromSeconds(serverIsShorter ? 60 : 5));

        Assert.Equal(QuicCloseKind.IdleTimeout, (await pair.ClientHandler.Closed).Kind);
        Assert.Equal(QuicCloseKind.IdleTimeout, (await pair.ServerHandler.Closed).Kind);
    }

    [Fact]
    public async Task Keep_alive_outlives_the_idle_timeout()
    {
        // A pause of the machine that is as long as this ends the kept connections too.
        await using var quic = new QuicFixture(server: o => o.IdleTimeout = TimeSpan.FromSeconds(20));
        Pair kept = await quic.ConnectPairAsync(o => o.KeepAliveInterval = TimeSpan.FromMilliseconds(200));
        Pair idle = await quic.ConnectPairAsync();
        Pair later = await quic.ConnectPairAsync(o => o.KeepAliveInterval = TimeSpan.FromMilliseconds(200));

        await idle.ServerHandler.Closed; // One idle timeout has passed for certain.
        Pair again = await quic.ConnectPairAsync();
        await again.ServerHandler.Closed; // And another.

        Assert.True(kept.Client.IsConnected && kept.Server.IsConnected && later.Server.IsConnected);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_a_handshake_timeout()
    {
        await using var quic = new QuicFixture();
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        (IQuicConnection? connection, RecordingHandler? handler) = quic.Connect(o => o.HandshakeTimeout = TimeSpan.FromMilliseconds(500), (IPEndPoint)silent.LocalEndPoint!);

        Assert.Equal(QuicCloseKind.HandshakeTimeout, (await handler.Closed).Kind);
        Assert.False(connection.IsConnected);
    }

    [Fact]
    public async Task An_abort_sends_nothing_and_the_peer_gets_a_stateless_reset()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();

        pair.Server.Abort();
        Assert.Equal(QuicCloseKind.Aborted, (await pair.ServerHandler.Closed).Kind);
        await RecordingHandler.Until(() =>
        {
            pair.Client.TrySendDatagram([], "anybody?"u8);
            return pair.ClientHandler.IsClosed;
        });

        Assert.Equal(QuicCloseKind.StatelessReset, (await pair.ClientHandler.Closed).Kind);
        await RecordingHandler.Until(() => quic.Listener.Statistics.StatelessResetsSent > 0); // It is counted after it was sent.
    }

    [Fact]
    public async Task After_a_restart_former_clients_get_a_stateless_reset_at_once()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();
        IPEndPoint endPoint = quic.EndPoint;
        await quic.Listener.DisposeAsync();
        Assert.Equal(QuicCloseKind.Aborted, (await pair.ServerHandler.Closed).Kind);
        QuicListenerOptions options = QuicFixture.ServerOptions(); // The same certificate, so the same key for stateless resets.
        options.EndPoints[0] = endPoint;

        await using IQuicListener restarted = quic.Engine.Listen(options, static _ => new RecordingHandler());
        pair.Client.Ping();

        Assert.Equal(QuicCloseKind.StatelessReset, (await pair.ClientHandler.Closed).Kind);
    }

    [Fact]
    public async Task A_handler_that_throws_closes_its_connection_and_no_other()
    {
        await using var quic = new QuicFixture();
        Pair bystander = await quic.ConnectPairAsync();
        Pair pair = await quic.ConnectPairAsync();
        pair.ServerHandler.DatagramAction = static (_, _) => throw new InvalidOperationException("handler");

        pair.Client.TrySendDatagram([], [1]);

        QuicCloseReason reason = await pair.ServerHandler.Closed;
        Assert.Equal((QuicCloseKind.Transport, false, 1UL), (reason.Kind, reason.IsRemote, reason.ErrorCode));
        Assert.Equal("handler", reason.Exception!.Message);
        Assert.Equal((QuicCloseKind.Transport, true, 1UL), ((await pair.ClientHandler.Closed).Kind, true, (await pair.ClientHandler.Closed).ErrorCode));
        bystander.Client.TrySendDatagram([], [2]);
        Assert.Equal([2], await bystander.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout));
    }

    [Theory]
    [InlineData(nameof(IQuicConnectionHandler.OnStreamData))]
    [InlineData(nameof(IQuicConnectionHandler.OnStreamReset))]
    [InlineData(nameof(IQuicConnectionHandler.OnStopSending))]
    [InlineData(nameof(IQuicConnectionHandler.OnDatagram))]
    [InlineData(nameof(IQuicConnectionHandler.OnDatagramReady))]
    [InlineData(nameof(IQuicConnectionHandler.OnPathChanged))]
    public async Task An_exception_from_any_handler_method_ends_its_connection_and_is_the_reason(string call)
    {
        var logs = new RecordingLogs();
        await using var quic = new QuicFixture(logs: logs);
        Pair bystander = await quic.ConnectPairAsync();
        quic.NextHandler = _ => new RecordingHandler { ThrowsIn = call };
        Pair pair = await quic.ConnectPairAsync();

        switch (call)
        {
            case nameof(IQuicConnectionHandler.OnStreamData):
                pair.Client.SendStream(pair.Client.OpenUnidirectionalStream(), [1], fin: true);
                break;
            case nameof(IQuicConnectionHandler.OnStreamReset):
                long given = pair.Client.OpenUnidirectionalStream();
                pair.Client.SendStream(given, [1], fin: false);
                await RecordingHandler.Until(() => pair.ServerHandler.OctetsOf(given) > 0);
                pair.Client.ResetStream(given, 5);
                break;
            case nameof(IQuicConnectionHandler.OnStopSending):
                long taken = pair.Server.OpenUnidirectionalStream();
                pair.Server.SendStream(taken, [1], fin: false);
                await RecordingHandler.Until(() => pair.ClientHandler.OctetsOf(taken) > 0);
                pair.Client.StopSending(taken, 5);
                break;
            case nameof(IQuicConnectionHandler.OnDatagram):
                pair.Client.TrySendDatagram([], [1]);
                break;
            case nameof(IQuicConnectionHandler.OnDatagramReady):
                await RecordingHandler.Until(() =>
                {
                    while (pair.Server.TrySendDatagram([], new byte[100]))
                    {
                    }

                    return pair.ServerHandler.IsClosed;
                });
                break;
            default:
                break; // OnPathChanged needs no action: path MTU discovery calls it.
        }

        QuicCloseReason reason = await pair.ServerHandler.Closed;
        Assert.Equal((QuicCloseKind.Transport, false, 1UL, call), (reason.Kind, reason.IsRemote, reason.ErrorCode, reason.Exception?.Message));
        Assert.Equal(1, pair.ServerHandler.ClosedCalls);
        Assert.Equal(1UL, (await pair.ClientHandler.Closed).ErrorCode);
        Assert.Single(logs.Events, "QuicConnectionFailed");
        bystander.Client.TrySendDatagram([], [2]);
        Assert.Equal([2], await bystander.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout));
    }

    [Fact]
    public async Task A_handler_that_throws_in_OnClosed_or_OnConnected_affects_no_other_connection()
    {
        var logs = new RecordingLogs();
        await using var quic = new QuicFixture(logs: logs);
        Pair bystander = await quic.ConnectPairAsync();
        Pair pair = await quic.ConnectPairAsync();
        pair.ServerHandler.ClosedAction = static _ => throw new InvalidOperationException("end");
        pair.Client.Close(0);
        quic.NextHandler = static _ => throw new InvalidOperationException("accept");
        (IQuicConnection _, RecordingHandler? refused) = quic.Connect();
        Assert.Equal(QuicCloseKind.Refused, (await refused.Closed).Kind);
        quic.NextHandler = static _ => new RecordingHandler { ConnectedAction = static _ => throw new InvalidOperationException("connected") };
        (IQuicConnection _, RecordingHandler? broken) = quic.Connect();
        Assert.Equal(1UL, (await broken.Closed).ErrorCode);

        bystander.Client.TrySendDatagram([], [2]);
        Assert.Equal([2], await bystander.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout));
        await RecordingHandler.Until(() => quic.Listener.Statistics is { Connections: 1, HandshakesInFlight: 0 });
        Assert.Equal(["QuicHandlerFailed", "QuicAcceptFailed", "QuicConnectionFailed"], logs.Events.Where(static e => e!.EndsWith("Failed", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_listener_closes_its_connections_and_refuses_new_ones()
    {
        await using var quic = new QuicFixture();
        Pair first = await quic.ConnectPairAsync();
        Pair second = await quic.ConnectPairAsync();

        quic.Listener.StopAccepting();
        quic.Listener.CloseConnections(5, "maintenance");

        Assert.Equal(new QuicCloseReason(QuicCloseKind.Application, IsRemote: true, 5, "maintenance"), await first.ClientHandler.Closed);
        Assert.Equal(5UL, (await second.ClientHandler.Closed).ErrorCode);
        (IQuicConnection _, RecordingHandler? refused) = quic.Connect();
        Assert.Equal(QuicCloseKind.Refused, (await refused.Closed).Kind);
        Assert.Equal(0, quic.Listener.Statistics.Connections);
    }

    [Fact]
    public async Task Disposing_ends_every_connection_and_later_calls_have_no_effect()
    {
        var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();

        await quic.DisposeAsync();
        await quic.DisposeAsync();

        Assert.Equal(QuicCloseKind.Aborted, (await pair.ClientHandler.Closed).Kind);
        Assert.Equal(QuicCloseKind.Aborted, (await pair.ServerHandler.Closed).Kind);
        pair.Client.Close(1);
        pair.Client.Abort();
        pair.Client.Ping();
        pair.Client.SendStream(pair.Client.OpenUnidirectionalStream(), [1], fin: true);
        Assert.False(pair.Client.TrySendDatagram([], [1]));
        Assert.Throws<ObjectDisposedException>(() => quic.Connect());
    }
}
