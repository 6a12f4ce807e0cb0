using System.Net;
using System.Security.Cryptography;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

/// <summary>Two listeners with one certificate behind a balancer that may give packets to the wrong one.</summary>
public class QuicClusterTests
{
    private static readonly byte[] s_keyOfA = RandomNumberGenerator.GetBytes(32), s_keyOfB = RandomNumberGenerator.GetBytes(32);

    /// <summary>RFC 9000, section 10.3.2: the reset token must be one that another server cannot make. With one key for both, the balancer's mistake ends the connection.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_packet_on_the_wrong_listener_resets_the_connection_only_where_both_have_one_key(bool ownKeys)
    {
        await using var a = new QuicFixture(server: options => options.StatelessResetKey = s_keyOfA);
        await using var b = new QuicFixture(server: options => options.StatelessResetKey = ownKeys ? s_keyOfB : s_keyOfA);
        await using var balancer = new UdpBalancer(a.EndPoint, b.EndPoint);
        int server = 0;
        balancer.Choose = (_, _) => Volatile.Read(ref server);
        Pair pair = await a.ConnectPairAsync(to: balancer.EndPoint);

        long answered = balancer.ToClients;
        Volatile.Write(ref server, 1);
        await RecordingHandler.Until(() =>
        {
            // The listener counts a reset before the balancer has brought it: each must have reached the client.
            pair.Client.TrySendDatagram([], "a datagram that has more than the 21 octets that a reset needs"u8);
            return pair.ClientHandler.IsClosed || (b.Listener.Statistics.StatelessResetsSent >= 20 && balancer.ToClients >= answered + 20);
        });

        if (!ownKeys)
        {
            Assert.Equal(QuicCloseKind.StatelessReset, (await pair.ClientHandler.Closed).Kind);
            return;
        }

        Volatile.Write(ref server, 0);
        pair.ServerHandler.KeepDatagrams = true;
        await RecordingHandler.Until(() =>
        {
            pair.Client.TrySendDatagram([], "back"u8);
            return pair.ClientHandler.IsClosed || (pair.ServerHandler.Datagrams.TryRead(out byte[]? datagram) && datagram.AsSpan().SequenceEqual("back"u8));
        });
        Assert.False(pair.ClientHandler.IsClosed);
        Assert.Equal(0, b.Listener.Statistics.Connections);
    }

    /// <summary>RFC 9000, section 8.1.3: a server that shares the key accepts a token that another one made; otherwise it is INVALID_TOKEN.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_retry_token_of_one_listener_is_good_at_the_other_where_both_have_one_key(bool shared)
    {
        void Configure(QuicListenerOptions options)
        {
            options.AddressValidation = QuicAddressValidation.Always;
            options.RetryKey = shared ? s_keyOfA : null;
        }

        await using var a = new QuicFixture(server: Configure);
        await using var b = new QuicFixture(server: Configure);
        await using var balancer = new UdpBalancer(a.EndPoint, b.EndPoint);
        balancer.Choose = (_, packet) => HasToken(packet.Span) ? 1 : IsInitial(packet.Span) ? 0 : 1;

        (IQuicConnection connection, RecordingHandler handler) = b.Connect(to: balancer.EndPoint);

        if (!shared)
        {
            QuicCloseReason reason = await handler.Closed;
            Assert.Equal((QuicCloseKind.Transport, true, 0xbUL), (reason.Kind, reason.IsRemote, reason.ErrorCode)); // INVALID_TOKEN
            Assert.Equal(0, b.Listener.Statistics.Accepted);
            return;
        }

        await handler.Connected;
        RecordingHandler accepted = await b.AcceptedAsync();
        Assert.Equal((0L, 1L), (a.Listener.Statistics.Accepted, b.Listener.Statistics.Accepted));
        Assert.Equal(0, b.Listener.Statistics.RetriesSent);
        await RecordingHandler.Until(() => a.Listener.Statistics.RetriesSent > 0); // It is counted after it was sent.
        Assert.True(connection.TrySendDatagram([], "there"u8));
        Assert.Equal("there"u8.ToArray(), await accepted.Datagrams.ReadAsync());
    }

    [Fact]
    public void Keys_that_are_too_short_are_refused()
    {
        var options = new QuicListenerOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.RetryKey = new byte[31]);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.StatelessResetKey = new byte[31]);
        options.RetryKey = options.StatelessResetKey = new byte[32];
        options.RetryKey = options.StatelessResetKey = null;
    }

    private static bool IsInitial(ReadOnlySpan<byte> packet) => (packet[0] & 0xf0) == 0xc0;

    private static bool HasToken(ReadOnlySpan<byte> packet)
    {
        if (!IsInitial(packet))
        {
            return false;
        }

        int source = 6 + packet[5];
        return packet[source + 1 + packet[source]] != 0;
    }
}
