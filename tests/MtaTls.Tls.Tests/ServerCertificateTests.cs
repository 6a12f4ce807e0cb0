using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>The client verifies by default, with SslStream's rules.</summary>
public class ServerCertificateTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Unknown_root_is_refused_by_default(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version, o => o.CertificateChainPolicy = null);
        AuthenticationException failure = await AssertRefusesAsync(client, server, TlsAlert.UnknownCa);
        Assert.Contains("RemoteCertificateChainErrors", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("other.test", false)]
    [InlineData("", false)]
    [InlineData("127.0.0.2", false)]
    [InlineData("a.b.example.test", false)]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST.", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("any.example.test", true)]
    public async Task Name_must_match(string host, bool matches)
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client(configure: o => o.TargetHost = host);
        if (matches)
        {
            await using Pair pair = await TlsTest.ConnectAsync(client, server);
        }
        else
        {
            AuthenticationException failure = await AssertRefusesAsync(client, server, TlsAlert.BadCertificate);
            Assert.Contains("RemoteCertificateNameMismatch", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Expired_certificate_is_refused()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ServerCertificate = TestCertificates.ExpiredServer);
        using TlsClientContext client = TlsTest.Client();
        await AssertRefusesAsync(client, server, TlsAlert.CertificateExpired);
    }

    [Fact]
    public async Task Certificate_for_clients_is_refused()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ServerCertificate = TestCertificates.Client);
        using TlsClientContext client = TlsTest.Client();
        await AssertRefusesAsync(client, server, TlsAlert.UnsupportedCertificate);
    }

    [Fact]
    public async Task Certificate_is_refused_when_its_revocation_cannot_be_checked()
    {
        X509ChainPolicy policy = TestCertificates.TrustRoot();
        policy.RevocationMode = X509RevocationMode.Offline;
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client(configure: o => o.CertificateChainPolicy = policy);
        AuthenticationException failure = await AssertRefusesAsync(client, server, TlsAlert.BadCertificate);
        Assert.Contains("RevocationStatusUnknown", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Callback_gets_the_errors_and_decides(SslProtocols version)
    {
        var seen = new List<(object, SslPolicyErrors)>();
        bool answer = true;
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version, o =>
        {
            o.TargetHost = "other.test";
            o.CertificateChainPolicy = null;
            o.RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
            {
                Assert.Equal(TestCertificates.Server, certificate);
                Assert.NotNull(chain);
                seen.Add((sender, errors));
                return answer;
            };
        });
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.Equal([(pair.Client, SslPolicyErrors.RemoteCertificateChainErrors | SslPolicyErrors.RemoteCertificateNameMismatch)], seen);
        answer = false;
        await AssertRefusesAsync(client, server, TlsAlert.UnknownCa);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Callback_that_throws_fails_the_handshake_alone(SslProtocols version)
    {
        var thrown = new InvalidTimeZoneException("callback");
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version, o => o.RemoteCertificateValidationCallback = (_, _, _, _) => throw thrown);
        AuthenticationException failure = await AssertRefusesAsync(client, server, TlsAlert.InternalError);
        Assert.Same(thrown, failure.InnerException!.InnerException);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Intermediates_are_sent(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o =>
        {
            o.ServerCertificate = TestCertificates.ServerBelowIntermediate;
            o.ServerCertificateChain = [TestCertificates.Intermediate];
        });
        using TlsServerContext without = TlsTest.Server(version, o => o.ServerCertificate = TestCertificates.ServerBelowIntermediate);
        using TlsClientContext client = TlsTest.Client(version);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        await AssertRefusesAsync(client, without, TlsAlert.UnknownCa);
    }

    private static async Task<AuthenticationException> AssertRefusesAsync(TlsClientContext client, TlsServerContext server, TlsAlert alert)
    {
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        AuthenticationException failure = await Assert.ThrowsAsync<AuthenticationException>(() => TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask());
        TlsAlertException sent = Assert.IsType<TlsAlertException>(failure.InnerException);
        Assert.Equal((alert, false), (sent.Alert, sent.IsReceived));
        AuthenticationException told = await Assert.ThrowsAsync<AuthenticationException>(() => accept);
        Assert.Equal(alert, Assert.IsType<TlsAlertException>(told.InnerException).Alert);
        return failure;
    }
}
