using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

public class HandshakeTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Both_ends_agree_and_octets_pass(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]);
        using TlsClientContext client = TlsTest.Client(version, o => o.ApplicationProtocols = [SslApplicationProtocol.Http11, SslApplicationProtocol.Http2]);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);

        foreach (TlsConnection end in (TlsConnection[])[pair.Client, pair.Server])
        {
            Assert.Equal(version, end.Protocol);
            Assert.True(end.DataMultiplexingNegotiated);
            Assert.False(end.SessionResumed);
            Assert.Equal("localhost", end.ServerName);
            Assert.Equal(SslApplicationProtocol.Http2.Protocol.ToArray(), end.ApplicationProtocol.ToArray());
            Assert.StartsWith("TLS_", end.CipherSuite.ToString());
        }

        Assert.Equal(TestCertificates.Server, pair.Client.RemoteCertificate);
        Assert.Same(TestCertificates.Server, pair.Server.LocalCertificate);
        Assert.Null(pair.Server.RemoteCertificate);

        await pair.Client.SendAsync("up"u8.ToArray());
        Assert.Equal("up"u8.ToArray(), await pair.Server.ReadExactlyAsync(2));
        "do"u8.CopyTo(pair.Server.GetMemory(2).Span);
        pair.Server.Advance(2);
        pair.Server.Write("wn"u8);
        await pair.Server.FlushAsync();
        Assert.Equal("down"u8.ToArray(), await pair.Client.ReadExactlyAsync(4));
        await pair.CloseAsync();
    }

    /// <summary>docs/mta-tls-wire.md, "Negotiation": answered only when it was offered.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Extension_not_offered_is_not_negotiated(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version, o => o.OfferDataMultiplexing = false);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.False(pair.Client.DataMultiplexingNegotiated);
        Assert.False(pair.Server.DataMultiplexingNegotiated);
    }

    /// <summary>docs/mta-tls-wire.md, "Negotiation": Disabled never answers.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Mode_disabled_never_answers(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.Mode = DataMultiplexingMode.Disabled);
        using TlsClientContext client = TlsTest.Client(version);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.False(pair.Client.DataMultiplexingNegotiated);
        Assert.False(pair.Server.DataMultiplexingNegotiated);
    }

    /// <summary>docs/mta-tls-wire.md, "Negotiation": Required without an offer is missing_extension (109) in TLS 1.3, handshake_failure (40) in TLS 1.2.</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12, TlsAlert.HandshakeFailure)]
    [InlineData(SslProtocols.Tls13, TlsAlert.MissingExtension)]
    public async Task Mode_required_refuses_a_client_without_the_extension(SslProtocols version, TlsAlert alert)
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.None, o => o.Mode = DataMultiplexingMode.Required);
        using TlsClientContext client = TlsTest.Client(version, o => o.OfferDataMultiplexing = false);
        await AssertRefusedAsync(client, server, alert);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Mode_required_serves_a_client_with_the_extension(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.None, o => o.Mode = DataMultiplexingMode.Required);
        using TlsClientContext client = TlsTest.Client(version, o => o.RequireDataMultiplexing = true);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.True(pair.Server.DataMultiplexingNegotiated);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Client_that_requires_the_extension_ends_in_order_without_an_answer(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.Mode = DataMultiplexingMode.Disabled);
        using TlsClientContext client = TlsTest.Client(version, o => o.RequireDataMultiplexing = true);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accepted = TlsConnection.AcceptAsync(serverPipe, server).AsTask();
        AuthenticationException failure = await Assert.ThrowsAsync<AuthenticationException>(() => TlsConnection.ConnectAsync(clientPipe, client).AsTask());
        Assert.Contains("data_multiplexing", failure.Message, StringComparison.Ordinal);
        await using TlsConnection connection = await accepted;
        Assert.Equal(0, await connection.ReadAsync(new byte[1], TlsTest.Timeout()));
    }

    [Theory]
    [InlineData(65280)]
    [InlineData(4242)]
    [InlineData(65535)]
    public async Task Extension_type_can_be_set(int type)
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ExtensionType = (ushort)type);
        using TlsClientContext client = TlsTest.Client(configure: o => o.ExtensionType = (ushort)type);
        using TlsClientContext stranger = TlsTest.Client(configure: o => o.ExtensionType = 65000);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.True(pair.Server.DataMultiplexingNegotiated);
        await using Pair other = await TlsTest.ConnectAsync(stranger, server);
        Assert.False(other.Server.DataMultiplexingNegotiated);
        Assert.False(other.Client.DataMultiplexingNegotiated);
    }

    /// <summary>As SslStream on Linux does.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Alpn_without_overlap_is_refused(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.ApplicationProtocols = [SslApplicationProtocol.Http2]);
        using TlsClientContext client = TlsTest.Client(version, o => o.ApplicationProtocols = [new SslApplicationProtocol("other")]);
        await AssertRefusedAsync(client, server, TlsAlert.NoApplicationProtocol);
    }

    [Fact]
    public async Task Alpn_is_empty_when_one_end_has_none()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ApplicationProtocols = [SslApplicationProtocol.Http2]);
        using TlsServerContext silent = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        using TlsClientContext offering = TlsTest.Client(configure: o => o.ApplicationProtocols = [SslApplicationProtocol.Http2]);
        await using Pair one = await TlsTest.ConnectAsync(client, server);
        Assert.True(one.Server.ApplicationProtocol.IsEmpty);
        await using Pair two = await TlsTest.ConnectAsync(offering, silent);
        Assert.True(two.Client.ApplicationProtocol.IsEmpty);
    }

    [Fact]
    public async Task Selector_sees_state_and_server_name_and_may_give_another_certificate_each_time()
    {
        X509Certificate2 current = TestCertificates.Server;
        var calls = new List<(object?, string?)>();
        using TlsServerContext server = TlsTest.Server(configure: o =>
        {
            o.ServerCertificate = null;
            o.ServerCertificateSelector = (state, name) =>
            {
                calls.Add((state, name));
                return name == "other.test" ? TestCertificates.OtherServer : current;
            };
        });
        using TlsClientContext client = TlsTest.Client(configure: o => o.TargetHost = "LocalHost");
        using TlsClientContext other = TlsTest.Client(configure: o => o.TargetHost = "other.test");
        using TlsClientContext byAddress = TlsTest.Client(configure: o => o.TargetHost = "127.0.0.1");

        await using (Pair pair = await TlsTest.ConnectAsync(client, server))
        {
            Assert.Equal(TestCertificates.Server, pair.Client.RemoteCertificate);
        }

        await using (Pair pair = await TlsTest.ConnectAsync(other, server))
        {
            Assert.Equal(TestCertificates.OtherServer, pair.Client.RemoteCertificate);
            Assert.Same(TestCertificates.OtherServer, pair.Server.LocalCertificate);
        }

        current = TestCertificates.RsaServer;
        await using (Pair pair = await TlsTest.ConnectAsync(byAddress, server))
        {
            Assert.Equal(TestCertificates.RsaServer, pair.Client.RemoteCertificate);
            Assert.Null(pair.Server.ServerName);
        }

        Assert.Equal([(null, "localhost"), (null, "other.test"), (null, null)], calls);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accepted = TlsConnection.AcceptAsync(serverPipe, server, "the state").AsTask();
        await using TlsConnection connection = await TlsConnection.ConnectAsync(clientPipe, client);
        await (await accepted).DisposeAsync();
        Assert.Equal("the state", calls[^1].Item1);
    }

    /// <summary>Rotation: the owner of the old certificate can dispose it while handshakes still use it.</summary>
    [Fact]
    public async Task Certificate_may_be_disposed_after_the_selector_gave_it()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ServerCertificateSelector = (_, _) => new X509Certificate2(TestCertificates.Server));
        using TlsClientContext client = TlsTest.Client();
        for (int i = 0; i < 3; i++)
        {
            await using Pair pair = await TlsTest.ConnectAsync(client, server);
            pair.Server.LocalCertificate!.Dispose();
            Assert.Equal(TestCertificates.Server, pair.Client.RemoteCertificate);
        }
    }

    [Fact]
    public async Task Selector_without_a_certificate_is_unrecognized_name()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ServerCertificateSelector = (_, _) => null);
        using TlsClientContext client = TlsTest.Client();
        await AssertRefusedAsync(client, server, TlsAlert.UnrecognizedName);
    }

    [Fact]
    public async Task Selector_that_throws_is_internal_error()
    {
        var thrown = new InvalidTimeZoneException("selector");
        using TlsServerContext server = TlsTest.Server(configure: o => o.ServerCertificateSelector = (_, _) => throw thrown);
        using TlsClientContext client = TlsTest.Client();
        AuthenticationException failure = await AssertRefusedAsync(client, server, TlsAlert.InternalError);
        Assert.Same(thrown, failure.InnerException!.InnerException);
    }

    [Fact]
    public async Task Certificate_without_a_private_key_is_refused_by_the_context()
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(TestCertificates.Server.RawData);
        Assert.Throws<NotSupportedException>(() => TlsTest.Server(configure: o => o.ServerCertificate = certificate));
        using TlsServerContext server = TlsTest.Server(configure: o => o.ServerCertificateSelector = (_, _) => certificate);
        using TlsClientContext client = TlsTest.Client();
        await AssertRefusedAsync(client, server, TlsAlert.InternalError);
    }

    [Fact]
    public async Task Versions_without_overlap_are_protocol_version()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        using TlsClientContext client = TlsTest.Client(SslProtocols.Tls12);
        await AssertRefusedAsync(client, server, TlsAlert.ProtocolVersion);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\0\u0004\u0001\0\0\0")]
    public async Task What_is_no_client_hello_is_decode_error(string text)
    {
        using TlsServerContext server = TlsTest.Server();
        (DuplexPipe client, DuplexPipe pipe) = DuplexPipe.InMemory();
        await client.Output.WriteAsync(text.Select(c => (byte)c).ToArray());
        AuthenticationException failure = await Assert.ThrowsAsync<AuthenticationException>(() => TlsConnection.AcceptAsync(pipe, server, null, TlsTest.Timeout()).AsTask());
        Assert.Equal(TlsAlert.DecodeError, Assert.IsType<TlsAlertException>(failure.InnerException).Alert);
        ReadResult read = await client.Input.ReadAsync(TlsTest.Timeout());
        Assert.Equal([21, 3, 3, 0, 2, 2, 50], read.Buffer.ToArray());
    }

    [Fact]
    public async Task Client_hello_longer_than_allowed_is_refused()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.MaxClientHelloLength = 512);
        using TlsClientContext client = TlsTest.Client(configure: o => o.ApplicationProtocols = [.. Enumerable.Range(0, 60).Select(i => new SslApplicationProtocol($"protocol-{i}"))]);
        await AssertRefusedAsync(client, server, TlsAlert.IllegalParameter);
    }

    [Fact]
    public async Task Handshake_ends_when_cancelled()
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        using var serverTime = new CancellationTokenSource();
        using var clientTime = new CancellationTokenSource();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, serverTime.Token).AsTask();
        Task<TlsConnection> connect = TlsConnection.ConnectAsync(DuplexPipe.InMemory().Client, client, clientTime.Token).AsTask();
        await clientPipe.Output.WriteAsync(new byte[] { 22, 3, 1 });
        await serverTime.CancelAsync();
        await clientTime.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connect);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Transport_that_ends_in_the_handshake_is_an_io_exception(int octets)
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> connect = TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask();
        ReadResult hello = await serverPipe.Input.ReadAsync();
        (DuplexPipe cut, DuplexPipe pipe) = DuplexPipe.InMemory();
        await cut.Output.WriteAsync(hello.Buffer.Slice(0, octets).ToArray());
        await cut.Output.CompleteAsync();
        await Assert.ThrowsAsync<IOException>(() => TlsConnection.AcceptAsync(pipe, server, null, TlsTest.Timeout()).AsTask());
        await serverPipe.Output.CompleteAsync();
        await Assert.ThrowsAsync<IOException>(() => connect);
    }

    /// <summary>Both ends fail with the same alert: one has sent it, the other has received it.</summary>
    internal static async Task<AuthenticationException> AssertRefusedAsync(TlsClientContext client, TlsServerContext server, TlsAlert alert)
    {
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        Task<TlsConnection> connect = TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask();
        AuthenticationException refusal = await Assert.ThrowsAsync<AuthenticationException>(() => accept);
        TlsAlertException sent = Assert.IsType<TlsAlertException>(refusal.InnerException);
        Assert.Equal((alert, false), (sent.Alert, sent.IsReceived));
        AuthenticationException failure = await Assert.ThrowsAsync<AuthenticationException>(() => connect);
        TlsAlertException received = Assert.IsType<TlsAlertException>(failure.InnerException);
        Assert.Equal((alert, true), (received.Alert, received.IsReceived));
        return refusal;
    }

    /// <summary>As with SslStream, the client offers the cipher suites of the application that the engine supports.</summary>
    [Theory]
    [InlineData(TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256, SslProtocols.Tls13)]
    [InlineData(TlsCipherSuite.TLS_AES_128_GCM_SHA256, SslProtocols.Tls13)]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, SslProtocols.Tls12)]
    public async Task Cipher_suites_that_the_application_names_are_offered(TlsCipherSuite suite, SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client(configure: o => o.CipherSuitesPolicy = new CipherSuitesPolicy([TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, suite]));
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.Equal(suite, pair.Client.CipherSuite);
        Assert.Equal(version, pair.Client.Protocol);
    }

    [Fact]
    public void Cipher_suites_that_the_engine_does_not_have_are_an_error()
    {
        PlatformNotSupportedException error = Assert.Throws<PlatformNotSupportedException>(
            static () => TlsTest.Client(configure: o => o.CipherSuitesPolicy = new CipherSuitesPolicy([TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA])));
        Assert.Contains("CipherSuitesPolicy", error.Message, StringComparison.Ordinal);
        Assert.Throws<PlatformNotSupportedException>(
            static () => TlsTest.Client(SslProtocols.Tls12, o => o.CipherSuitesPolicy = new CipherSuitesPolicy([TlsCipherSuite.TLS_AES_128_GCM_SHA256])));
    }
}
