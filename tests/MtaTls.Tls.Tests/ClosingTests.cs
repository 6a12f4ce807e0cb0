using System.Net.Sockets;
using System.Security.Authentication;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>docs/mta-tls-wire.md, "Ending a session".</summary>
public class ClosingTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    /// <summary>close_notify is answered by close_notify, without a call of the application.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Close_notify_is_answered_at_once_when_multiplexed(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        pair.Client.Write("last words"u8);
        await pair.Client.CompleteAsync(TlsTest.Timeout());
        await pair.Server.ReadExactlyAsync(10);
        Assert.Equal(0, await pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()));
        Assert.Equal(0, await pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()));
        Assert.Equal(0, await pair.Client.ReadAsync(new byte[10], TlsTest.Timeout()));
        Assert.Throws<IOException>(() => pair.Server.Write("too late"u8));
        Assert.Throws<IOException>(() => pair.Client.Write("too late"u8));
        await pair.Server.CompleteAsync(TlsTest.Timeout());
        await pair.Client.CompleteAsync(TlsTest.Timeout());
    }

    /// <summary>A peer can close the transport right after its close_notify.</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls13, false)]
    public async Task Peer_need_not_wait_for_the_answer(SslProtocols version, bool multiplexed)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version, o => o.OfferDataMultiplexing = multiplexed);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        await pair.Client.CompleteAsync(TlsTest.Timeout());
        pair.ClientPipe.Close();
        Assert.Equal(0, await pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()));
        await pair.Server.CompleteAsync(TlsTest.Timeout());
    }

    /// <summary>Ordinary TLS can be closed in one direction. The other direction stays open until this end closes it.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Ordinary_session_is_answered_only_when_this_end_is_done(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version, o => o.OfferDataMultiplexing = false);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        await pair.Client.CompleteAsync(TlsTest.Timeout());
        Assert.Equal(0, await pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()));
        Task<int> read = pair.Client.ReadAsync(new byte[10], TlsTest.Timeout()).AsTask();
        Assert.False(read.IsCompleted);
        await pair.Server.CompleteAsync(TlsTest.Timeout());
        Assert.Equal(0, await read);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task End_of_transport_without_close_notify_is_truncation(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        await pair.Client.SendAsync([1, 2, 3]);
        await pair.ClientPipe.Output.CompleteAsync();
        Assert.Equal([1, 2, 3], await pair.Server.ReadExactlyAsync(3));
        for (int i = 0; i < 2; i++)
        {
            IOException failure = await Assert.ThrowsAsync<IOException>(() => pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()).AsTask());
            Assert.Contains("close_notify", failure.Message, StringComparison.Ordinal);
        }

        Assert.Throws<IOException>(() => pair.Server.Write([1]));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Reset_socket_fails_reader_and_writer(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        (Socket clientSocket, Socket serverSocket) = await DuplexPipe.SocketsAsync();
        await using Pair pair = await TlsTest.ConnectAsync(client, server, (DuplexPipe.Over(clientSocket), DuplexPipe.Over(serverSocket)));
        Task<int> read = pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()).AsTask();
        clientSocket.LingerState = new LingerOption(true, 0);
        clientSocket.Dispose();
        await Assert.ThrowsAsync<IOException>(() => read);
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
            {
                await pair.Server.SendAsync(new byte[1000]);
            }
        });
    }

    /// <summary>A truncated record, a changed record and octets that are not a record are errors, never data and never an orderly end.</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls13, false)]
    public async Task Changed_record_is_bad_record_mac(SslProtocols version, bool change)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        byte[] record = change ? [23, 3, 3, 0, 30, .. new byte[30]] : "HTTP/1.1 400 no TLS\r\n\r\n"u8.ToArray();
        await pair.ClientPipe.Output.WriteAsync(record);
        IOException failure = await Assert.ThrowsAsync<IOException>(() => pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()).AsTask());
        TlsAlertException sent = Assert.IsType<TlsAlertException>(failure.InnerException);
        Assert.False(sent.IsReceived);
        Assert.Equal(0, server.Sessions.Count);

        // The peer gets the alert although no code flushed it.
        failure = await Assert.ThrowsAsync<IOException>(() => pair.Client.ReadAsync(new byte[10], TlsTest.Timeout()).AsTask());
        TlsAlertException received = Assert.IsType<TlsAlertException>(failure.InnerException);
        Assert.Equal((sent.Alert, true), (received.Alert, received.IsReceived));
    }

    [Fact]
    public async Task Abort_ends_what_waits_and_what_comes()
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Task<int> read = pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()).AsTask();
        pair.Server.Write(new byte[1_000_000]);
        Task flush = pair.Server.FlushAsync().AsTask();
        Assert.False(read.IsCompleted);
        Assert.False(flush.IsCompleted);
        var reason = new InvalidTimeZoneException("reason");
        pair.Server.Abort(reason);
        Assert.Same(reason, (await Assert.ThrowsAsync<IOException>(() => read)).InnerException);
        await Assert.ThrowsAsync<IOException>(() => flush);
        Assert.Same(reason, Assert.Throws<IOException>(() => pair.Server.Write([1])).InnerException);
        await Assert.ThrowsAsync<IOException>(() => pair.Server.FlushAsync().AsTask());
        await Assert.ThrowsAsync<IOException>(() => pair.Server.CompleteAsync().AsTask());
        pair.Server.Abort();
    }

    /// <summary>A client does this when it is disposed at the moment at which a session ends.</summary>
    [Fact]
    public async Task Abort_does_nothing_when_the_transport_has_been_completed()
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        (Socket left, Socket right) = await DuplexPipe.SocketsAsync();
        var below = DuplexPipe.Over(left);
        await using Pair pair = await TlsTest.ConnectAsync(client, server, (below, DuplexPipe.Over(right)));
        await pair.Client.DisposeAsync();
        below.Close();
        pair.Client.Abort();
    }

    [Fact]
    public async Task Disposed_connection_says_so()
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Task<int> read = pair.Server.ReadAsync(new byte[10], TlsTest.Timeout()).AsTask();
        await pair.Server.DisposeAsync();
        await pair.Server.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => read);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Server.ReadAsync(new byte[10]).AsTask());
        Assert.Throws<ObjectDisposedException>(() => pair.Server.Write([1]));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Server.FlushAsync().AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Server.CompleteAsync().AsTask());
        pair.Server.ForbidResumption();
        pair.Server.Abort();
        Assert.True(pair.Server.DataMultiplexingNegotiated);
    }
}
