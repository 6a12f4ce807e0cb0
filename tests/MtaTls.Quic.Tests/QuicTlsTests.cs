using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

public class QuicTlsTests
{
    private static readonly TestCertificates s_certificates = TestCertificates.Instance;

    [Fact]
    public async Task A_client_certificate_of_the_authority_is_accepted_and_available()
    {
        await using var quic = new QuicFixture(server: RequireClientCertificates);

        Pair pair = await quic.ConnectPairAsync(o => o.Certificate = s_certificates.Client);

        Assert.Equal("CN=laptop-1", pair.Server.PeerCertificate!.Subject);
    }

    [Fact]
    public async Task A_client_without_certificate_is_refused_with_alert_116_and_never_connected()
    {
        await using var quic = new QuicFixture(server: RequireClientCertificates);
        var server = new RecordingHandler();
        quic.NextHandler = _ => server;

        (IQuicConnection _, RecordingHandler? client) = quic.Connect();

        Assert.Equal(new QuicCloseReason(QuicCloseKind.Tls, IsRemote: true, 0x174), await client.Closed);
        Assert.Equal((QuicCloseKind.Tls, false, 0x174UL), Essence(await server.Closed));
        Assert.False(client.IsConnected);
        Assert.False(server.IsConnected);
    }

    public static TheoryData<string> BadClients => ["another authority", "expired", "a server's", "self-signed"];

    [Theory]
    [MemberData(nameof(BadClients))]
    public async Task A_bad_client_certificate_is_refused_with_alert_42_and_never_connected(string which)
    {
        await using var quic = new QuicFixture(server: RequireClientCertificates);
        var server = new RecordingHandler();
        quic.NextHandler = _ => server;
        using X509Certificate2 certificate = which switch
        {
            "another authority" => new TestCertificates("CN=test authority").Create("CN=laptop-1", server: false),
            "expired" => s_certificates.Create("CN=laptop-1", server: false, notAfter: DateTimeOffset.UtcNow.AddMinutes(-5)),
            "a server's" => s_certificates.Create("CN=laptop-1", server: true),
            _ => SelfSigned("CN=laptop-1"),
        };

        (IQuicConnection _, RecordingHandler? client) = quic.Connect(o => o.Certificate = certificate);

        Assert.Equal(new QuicCloseReason(QuicCloseKind.Tls, IsRemote: true, 0x12a), await client.Closed);
        QuicCloseReason reason = await server.Closed;
        Assert.Equal((QuicCloseKind.Tls, false, 0x12aUL), Essence(reason));
        Assert.Contains("CN=laptop-1", reason.Text);
        Assert.False(client.IsConnected);
        Assert.False(server.IsConnected);
    }

    [Fact]
    public async Task A_requested_client_certificate_may_be_missing_but_not_bad()
    {
        await using var quic = new QuicFixture(server: o =>
        {
            RequireClientCertificates(o);
            o.ClientCertificateMode = QuicClientCertificateMode.Request;
        });

        Assert.Null((await quic.ConnectPairAsync()).Server.PeerCertificate);
        Assert.NotNull((await quic.ConnectPairAsync(o => o.Certificate = s_certificates.Client)).Server.PeerCertificate);
        using X509Certificate2 bad = SelfSigned("CN=mallory");
        (IQuicConnection _, RecordingHandler? client) = quic.Connect(o => o.Certificate = bad);
        Assert.Equal(0x12aUL, (await client.Closed).ErrorCode);
    }

    [Fact]
    public async Task The_client_refuses_a_server_of_another_authority()
    {
        await using var quic = new QuicFixture();

        (IQuicConnection _, RecordingHandler? client) = quic.Connect(o => o.TrustedAuthorities = new TestCertificates("CN=another").Authorities);

        QuicCloseReason reason = await client.Closed;
        Assert.Equal((QuicCloseKind.Tls, false, 0x12aUL), Essence(reason));
        Assert.Contains("RemoteCertificateChainErrors", reason.Text);
    }

    [Fact]
    public async Task Without_TrustedAuthorities_the_client_refuses_a_server_that_the_system_does_not_trust()
    {
        await using var quic = new QuicFixture();

        (IQuicConnection _, RecordingHandler? client) = quic.Connect(o => o.TrustedAuthorities = null);

        Assert.Equal((QuicCloseKind.Tls, false, 0x12aUL), Essence(await client.Closed));
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("tunnel.example", false)]
    [InlineData("127.0.0.2", false)]
    public async Task The_servers_certificate_must_have_the_requested_name(string name, bool accepted)
    {
        await using var quic = new QuicFixture();
        var options = new QuicClientOptions(quic.EndPoint, name) { TrustedAuthorities = s_certificates.Authorities, ApplicationProtocols = ["test"] };
        var handler = new RecordingHandler();

        quic.Engine.Connect(options, handler);

        if (accepted)
        {
            await handler.Connected;
        }
        else
        {
            Assert.Contains("RemoteCertificateNameMismatch", (await handler.Closed).Text);
        }
    }

    [Fact]
    public async Task CertificateValidation_replaces_the_default_validation()
    {
        var logs = new RecordingLogs();
        await using var quic = new QuicFixture(logs: logs, server: o =>
        {
            RequireClientCertificates(o);
            o.CertificateValidation = static (certificate, _, errors) => errors == SslPolicyErrors.RemoteCertificateChainErrors && certificate!.Subject == "CN=known";
        });
        using X509Certificate2 known = SelfSigned("CN=known");
        using X509Certificate2 unknown = SelfSigned("CN=unknown");

        await quic.ConnectPairAsync(o => o.Certificate = known);
        (IQuicConnection _, RecordingHandler? refused) = quic.Connect(o => o.Certificate = unknown);
        await refused.Closed;
        (IQuicConnection _, RecordingHandler? throwing) = quic.Connect(o => o.CertificateValidation = static (_, _, _) => throw new InvalidOperationException("validation"));
        Assert.Equal(0x12aUL, (await throwing.Closed).ErrorCode);
        Assert.Equal("validation", (await throwing.Closed).Exception?.Message);
        Assert.False(refused.IsConnected || throwing.IsConnected);
        Assert.Single(logs.Events, "QuicCertificateFailed");
    }

    [Fact]
    public async Task The_reason_names_CertificateValidation_if_only_that_refused_the_certificate()
    {
        await using var quic = new QuicFixture();

        (IQuicConnection _, RecordingHandler? refused) = quic.Connect(o => o.CertificateValidation = static (_, _, _) => false);

        Assert.Equal("CN=localhost: refused by CertificateValidation", (await refused.Closed).Text);
    }

    [Fact]
    public async Task An_RSA_certificate_works_and_UseCertificate_applies_to_new_connections()
    {
        using X509Certificate2 first = s_certificates.Create("CN=first", server: true, rsa: true);
        using X509Certificate2 second = s_certificates.Create("CN=second", server: true);
        await using var quic = new QuicFixture(server: o => o.Certificate = first);

        Pair before = await quic.ConnectPairAsync();
        quic.Listener.UseCertificate(second);
        Pair after = await quic.ConnectPairAsync();

        Assert.Equal("CN=first", before.Client.PeerCertificate!.Subject);
        Assert.Equal("CN=second", after.Client.PeerCertificate!.Subject);
        Assert.True(before.Client.TrySendDatagram([], "still here"u8));
        await before.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
    }

    [Fact]
    public async Task A_certificate_without_private_key_is_an_error_in_Listen()
    {
        await using var quic = new QuicFixture();
        QuicListenerOptions options = QuicFixture.ServerOptions();
        options.Certificate = X509CertificateLoader.LoadCertificate(s_certificates.Server.RawData);

        CryptographicException error = Assert.Throws<CryptographicException>(() => quic.Engine.Listen(options, static _ => new RecordingHandler()));
        Assert.Contains("CN=localhost", error.Message);
    }

    [Fact]
    public async Task Asking_for_client_certificates_without_authorities_is_an_error()
    {
        await using var quic = new QuicFixture();
        QuicListenerOptions options = QuicFixture.ServerOptions();
        options.ClientCertificateMode = QuicClientCertificateMode.Require;

        Assert.Throws<ArgumentException>(() => quic.Engine.Listen(options, static _ => new RecordingHandler()));
    }

    private static void RequireClientCertificates(QuicListenerOptions options)
    {
        options.ClientCertificateMode = QuicClientCertificateMode.Require;
        options.TrustedAuthorities = s_certificates.Authorities;
    }

    private static (QuicCloseKind, bool, ulong) Essence(QuicCloseReason reason) => (reason.Kind, reason.IsRemote, reason.ErrorCode);

    private static X509Certificate2 SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest(name, key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
