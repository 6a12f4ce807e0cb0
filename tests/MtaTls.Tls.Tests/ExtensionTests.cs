using System.Buffers;
using System.IO.Pipelines;
using System.Security.Authentication;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>docs/mta-tls-wire.md, "Negotiation": the extension on the wire, with a peer that checks it and sends wrong ones.</summary>
public class ExtensionTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    /// <summary>In ServerHello (TLS 1.2) or EncryptedExtensions (TLS 1.3), empty, and only where offered.</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12, true, DataMultiplexingMode.Allowed)]
    [InlineData(SslProtocols.Tls13, true, DataMultiplexingMode.Allowed)]
    [InlineData(SslProtocols.Tls12, true, DataMultiplexingMode.Required)]
    [InlineData(SslProtocols.Tls13, true, DataMultiplexingMode.Required)]
    [InlineData(SslProtocols.Tls12, true, DataMultiplexingMode.Disabled)]
    [InlineData(SslProtocols.Tls13, true, DataMultiplexingMode.Disabled)]
    [InlineData(SslProtocols.Tls12, false, DataMultiplexingMode.Allowed)]
    [InlineData(SslProtocols.Tls13, false, DataMultiplexingMode.Allowed)]
    public async Task Server_answers_once_and_empty(SslProtocols version, bool offer, DataMultiplexingMode mode)
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.Mode = mode);
        using var client = RawPeer.Client(version, offer ? 0 : -1);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        using SslPump pump = await client.HandshakeAsync(clientPipe, server: false);
        await using TlsConnection connection = await accept;
        uint context = version == SslProtocols.Tls12 ? LibSsl.ExtensionInTls12ServerHello : LibSsl.ExtensionInEncryptedExtensions;
        bool answered = offer && mode != DataMultiplexingMode.Disabled;
        Assert.Equal(answered ? [(context, 0)] : [], client.Seen);
        Assert.Equal(answered, connection.DataMultiplexingNegotiated);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Client_offers_once_and_empty(SslProtocols version)
    {
        using TlsClientContext client = TlsTest.Client();
        using var server = RawPeer.Server(version, 0);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> connect = TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask();
        using SslPump pump = await server.HandshakeAsync(serverPipe, server: true);
        await using TlsConnection connection = await connect;
        Assert.Equal([(LibSsl.ExtensionInClientHello, 0)], server.Seen);
        Assert.True(connection.DataMultiplexingNegotiated);
    }

    /// <summary>The server answers a body that is not empty with decode_error (50).</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12, DataMultiplexingMode.Allowed)]
    [InlineData(SslProtocols.Tls13, DataMultiplexingMode.Allowed)]
    [InlineData(SslProtocols.Tls12, DataMultiplexingMode.Required)]
    [InlineData(SslProtocols.Tls13, DataMultiplexingMode.Required)]
    public async Task Client_with_a_body_is_refused(SslProtocols version, DataMultiplexingMode mode)
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.Mode = mode);
        using var client = RawPeer.Client(version, 1);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        AssertAlert(await Assert.ThrowsAsync<AuthenticationException>(() => client.HandshakeAsync(clientPipe, server: false)), TlsAlert.DecodeError, received: true);
        AssertAlert(await Assert.ThrowsAsync<AuthenticationException>(() => accept), TlsAlert.DecodeError, received: false);
    }

    /// <summary>The client answers a body that is not empty with decode_error (50).</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Server_with_a_body_is_refused(SslProtocols version)
    {
        using TlsClientContext client = TlsTest.Client();
        using var server = RawPeer.Server(version, 1);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> connect = TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask();
        AssertAlert(await Assert.ThrowsAsync<AuthenticationException>(() => server.HandshakeAsync(serverPipe, server: true)), TlsAlert.DecodeError, received: true);
        AssertAlert(await Assert.ThrowsAsync<AuthenticationException>(() => connect), TlsAlert.DecodeError, received: false);
    }

    /// <summary>A server with the mode Disabled ignores the extension, with any body.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Disabled_server_ignores_a_body(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.Mode = DataMultiplexingMode.Disabled);
        using var client = RawPeer.Client(version, 1);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        using SslPump pump = await client.HandshakeAsync(clientPipe, server: false);
        await using TlsConnection connection = await accept;
        Assert.False(connection.DataMultiplexingNegotiated);
    }

    public static TheoryData<string, byte[], TlsAlert> HandWrittenHellos()
    {
        byte[] empty = Hello.Extension(TlsTest.ExtensionType, []);
        byte[] withBody = Hello.Extension(TlsTest.ExtensionType, [0]);
        byte[] longBody = Hello.Extension(TlsTest.ExtensionType, new byte[300]);
        byte[] tls13 = Hello.SupportedVersions(0x0304);
        return new TheoryData<string, byte[], TlsAlert>
        {
            { "TLS 1.2, a body of 1", Hello.Message([.. Hello.KeyExchange()[..2], withBody]), TlsAlert.DecodeError },
            { "TLS 1.3, a body of 1", Hello.Message([.. Hello.KeyExchange(), tls13, withBody]), TlsAlert.DecodeError },
            { "TLS 1.3, a body of 300", Hello.Message([.. Hello.KeyExchange(), tls13, longBody]), TlsAlert.DecodeError },
            { "TLS 1.3, empty, then a body", Hello.Message([.. Hello.KeyExchange(), tls13, empty, withBody]), TlsAlert.IllegalParameter },
            { "TLS 1.2, twice", Hello.Message([.. Hello.KeyExchange()[..2], empty, empty]), TlsAlert.IllegalParameter },
            { "TLS 1.3, twice", Hello.Message([.. Hello.KeyExchange(), tls13, empty, empty]), TlsAlert.IllegalParameter },
        };
    }

    [Theory]
    [MemberData(nameof(HandWrittenHellos))]
    public async Task Hand_written_hello_is_refused(string name, byte[] message, TlsAlert alert)
    {
        Assert.NotEmpty(name);
        using TlsServerContext server = TlsTest.Server();
        (DuplexPipe client, DuplexPipe pipe) = DuplexPipe.InMemory();
        await client.Output.WriteAsync(Hello.Records(message, 100));
        AuthenticationException failure = await Assert.ThrowsAsync<AuthenticationException>(() => TlsConnection.AcceptAsync(pipe, server, null, TlsTest.Timeout()).AsTask());
        AssertAlert(failure, alert, received: false);
        ReadResult read = await client.Input.ReadAsync(TlsTest.Timeout());
        Assert.Equal([21, 3, 3, 0, 2, 2, (byte)alert], read.Buffer.ToArray());
    }

    /// <summary>The same ClientHello without the fault is answered. So the test above shows that the fault is the reason of the refusal.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Hand_written_hello_is_answered(bool tls13)
    {
        using TlsServerContext server = TlsTest.Server();
        (DuplexPipe client, DuplexPipe pipe) = DuplexPipe.InMemory();
        byte[] empty = Hello.Extension(TlsTest.ExtensionType, []);
        byte[] message = tls13 ? Hello.Message([.. Hello.KeyExchange(), Hello.SupportedVersions(0x0304), empty]) : Hello.Message([.. Hello.KeyExchange()[..2], empty]);
        await client.Output.WriteAsync(Hello.Records(message, 1));
        using var cancellation = new CancellationTokenSource();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(pipe, server, null, cancellation.Token).AsTask();
        ReadResult read = await client.Input.ReadAtLeastAsync(100, TlsTest.Timeout());
        byte[] answer = read.Buffer.ToArray();
        Assert.Equal([22, 3, 3], answer[..3]);
        Assert.Equal(2, answer[5]);
        Assert.Equal(!tls13, answer.AsSpan().IndexOf(empty) > 0);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept);
    }

    /// <summary>A second ClientHello (after HelloRetryRequest) must have the same offer as the first. Otherwise a client could evade the decision that was made with the first.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task Second_hello_that_changes_the_offer_is_refused(bool offerFirst, bool offerAgain)
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        (DuplexPipe client, DuplexPipe pipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(pipe, server, null, TlsTest.Timeout()).AsTask();

        // Without a key share, the server asks for one.
        byte[] empty = Hello.Extension(TlsTest.ExtensionType, []);
        byte[][] common = [.. Hello.KeyExchange()[..2], Hello.SupportedVersions(0x0304)];
        byte[] noShare = Hello.Extension(51, Hello.Vector16([]));
        await client.Output.WriteAsync(Hello.Records(Hello.Message([.. common, noShare, .. offerFirst ? [empty] : Array.Empty<byte[]>()])));
        ReadResult retry = await client.Input.ReadAtLeastAsync(50, TlsTest.Timeout());
        Assert.Equal(2, retry.Buffer.ToArray()[5]);
        client.Input.AdvanceTo(retry.Buffer.End);
        await client.Output.WriteAsync(Hello.Records(Hello.Message([.. common, Hello.KeyExchange()[2], .. offerAgain ? [empty] : Array.Empty<byte[]>()])));
        if (offerFirst == offerAgain)
        {
            // ServerHello with a key share. The rest is encrypted.
            ReadResult answer = await client.Input.ReadAtLeastAsync(200, TlsTest.Timeout());
            Assert.Equal(2, answer.Buffer.ToArray()[5]);
            await client.Output.CompleteAsync();
            await Assert.ThrowsAsync<IOException>(() => accept);
            return;
        }

        AssertAlert(await Assert.ThrowsAsync<AuthenticationException>(() => accept), TlsAlert.IllegalParameter, received: false);
    }

    /// <summary>RFC 8446, section 4.2: an answer without an offer is unsupported_extension.</summary>
    [Fact]
    public async Task Answer_that_was_not_asked_for_is_refused()
    {
        using TlsClientContext client = TlsTest.Client(SslProtocols.Tls12, o => o.OfferDataMultiplexing = false);
        using var server = RawPeer.Server(SslProtocols.Tls12, 0);
        (DuplexPipe clientPipe, DuplexPipe near) = DuplexPipe.InMemory();
        (DuplexPipe far, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> connect = TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask();

        // OpenSSL's server answers only offered extensions. So a relay between the two adds the answer to the ServerHello.
        Task handshake = server.HandshakeAsync(serverPipe, server: true);
        ReadResult hello = await near.Input.ReadAsync();
        await far.Output.WriteAsync(hello.Buffer.ToArray());
        near.Input.AdvanceTo(hello.Buffer.End);
        ReadResult answer = await far.Input.ReadAtLeastAsync(100, TlsTest.Timeout());
        byte[] octets = answer.Buffer.ToArray();
        int recordLength = octets[3] << 8 | octets[4];
        List<byte> message = [.. octets[5..(5 + recordLength)], .. Hello.Extension(TlsTest.ExtensionType, [])];
        int extensionsAt = 4 + 2 + 32 + 1 + message[4 + 2 + 32] + 3;
        Hello.Number((ushort)(message.Count - extensionsAt - 2)).CopyTo(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(message)[extensionsAt..]);
        Hello.Number((ushort)(message.Count - 4)).CopyTo(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(message)[2..]);
        await near.Output.WriteAsync((byte[])[22, 3, 3, .. Hello.Number((ushort)message.Count), .. message]);
        AssertAlert(await Assert.ThrowsAsync<AuthenticationException>(() => connect), TlsAlert.UnsupportedExtension, received: false);
        serverPipe.Close();
        far.Close();
        await Record.ExceptionAsync(() => handshake);
    }

    private static void AssertAlert(AuthenticationException failure, TlsAlert alert, bool received)
    {
        TlsAlertException inner = Assert.IsType<TlsAlertException>(failure.InnerException);
        Assert.Equal((alert, received), (inner.Alert, inner.IsReceived));
    }
}
