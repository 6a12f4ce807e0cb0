using System.Net;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

public class QuicConnectionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connects_and_agrees_on_the_application_protocol(bool v6)
    {
        await using var quic = new QuicFixture(v6);

        Pair pair = await quic.ConnectPairAsync();

        Assert.Equal("test", pair.Client.ApplicationProtocol);
        Assert.Equal("test", pair.Server.ApplicationProtocol);
        Assert.False(pair.Client.IsServer);
        Assert.True(pair.Server.IsServer);
        Assert.Equal("CN=localhost", pair.Client.PeerCertificate!.Subject);
        Assert.Null(pair.Server.PeerCertificate);
        Assert.Equal(quic.EndPoint, pair.Client.RemoteEndPoint);
        Assert.Equal(quic.EndPoint, pair.Server.LocalEndPoint);
        Assert.Equal(pair.Client.LocalEndPoint.Port, pair.Server.RemoteEndPoint.Port);
        Assert.True(pair.Client.SmoothedRtt > TimeSpan.Zero);
        Assert.True(pair.Client.MinRtt > TimeSpan.Zero);
        Assert.True(pair.Client.CongestionWindow > 0);
        Assert.Empty(pair.ClientHandler.Violations);
        Assert.Empty(pair.ServerHandler.Violations);
    }

    [Fact]
    public async Task The_second_protocol_of_the_server_is_negotiated_if_the_client_offers_only_that()
    {
        await using var quic = new QuicFixture();

        Pair pair = await quic.ConnectPairAsync(o => o.ApplicationProtocols = ["test-0"]);

        Assert.Equal("test-0", pair.Server.ApplicationProtocol);
    }

    [Fact]
    public async Task No_protocol_in_common_ends_the_handshake_with_alert_120()
    {
        await using var quic = new QuicFixture();

        (IQuicConnection _, RecordingHandler? handler) = quic.Connect(o => o.ApplicationProtocols = ["h3"]);
        QuicCloseReason reason = await handler.Closed;

        Assert.Equal(new QuicCloseReason(QuicCloseKind.Tls, IsRemote: true, 0x178), reason);
        Assert.False(handler.IsConnected);
        Assert.Equal(1, handler.ClosedCalls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Datagrams_go_both_ways(bool v6)
    {
        await using var quic = new QuicFixture(v6);
        Pair pair = await quic.ConnectPairAsync();

        Assert.True(pair.Client.TrySendDatagram([8, 0, 0, 1], "to the server"u8));
        Assert.Equal([8, 0, 0, 1, .. "to the server"u8], await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout));
        Assert.True(pair.Server.TrySendDatagram([], "to the client"u8));
        Assert.Equal("to the client"u8.ToArray(), await pair.ClientHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout));
    }

    [Fact]
    public async Task Streams_carry_bytes_and_FIN()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();

        long id = pair.Client.OpenUnidirectionalStream();
        Assert.Equal(2, id);
        pair.Client.SendStream(id, [1], fin: false);
        pair.Client.SendStream(id, [0], fin: true);
        (long StreamId, byte[] Data) got = await pair.ServerHandler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
        Assert.Equal(2, got.StreamId);
        Assert.Equal([1, 0], got.Data);

        id = pair.Server.OpenUnidirectionalStream();
        Assert.Equal(3, id);
        pair.Server.SendStream(id, [], fin: true);
        got = await pair.ClientHandler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
        Assert.Equal(3, got.StreamId);
        Assert.Empty(got.Data);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        var options = new QuicListenerOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxUdpPayloadSize = 1199);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.IdleTimeout = TimeSpan.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxConcurrentStreams = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxDatagramSize = 65536);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.DatagramQueueLength = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Shards = 65);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.StatelessResetKey = new byte[31]);
        Assert.Throws<ArgumentException>(() => options.ApplicationProtocols = []);
        Assert.Throws<ArgumentException>(() => options.ApplicationProtocols = ["\u00e4"]);
        Assert.Throws<ArgumentException>(() => options.ApplicationProtocols = [new string('x', 256)]);
        Assert.Empty(options.ApplicationProtocols);
    }
}
