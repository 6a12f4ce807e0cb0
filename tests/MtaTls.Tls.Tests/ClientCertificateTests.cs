using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

public class ClientCertificateTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    [Theory]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls13, false)]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    public async Task Valid_certificate_is_seen_by_the_server(SslProtocols version, bool isRequired)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.ClientCertificateMode = isRequired ? TlsClientCertificateMode.RequireCertificate : TlsClientCertificateMode.AllowCertificate);
        using TlsClientContext client = TlsTest.Client(version, o => o.ClientCertificate = TestCertificates.Client);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.Equal(TestCertificates.Client, pair.Server.RemoteCertificate);
        Assert.Same(TestCertificates.Client, pair.Client.LocalCertificate);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task No_certificate_is_asked_for_by_default(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version, o => o.ClientCertificate = TestCertificates.Client);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.Null(pair.Server.RemoteCertificate);
        Assert.Null(pair.Client.LocalCertificate);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Allowed_certificate_may_be_missing(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.ClientCertificateMode = TlsClientCertificateMode.AllowCertificate);
        using TlsClientContext client = TlsTest.Client(version);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.Null(pair.Server.RemoteCertificate);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, TlsAlert.HandshakeFailure)]
    [InlineData(SslProtocols.Tls13, TlsAlert.CertificateRequired)]
    public async Task Required_certificate_that_is_missing(SslProtocols version, TlsAlert alert)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate);
        using TlsClientContext client = TlsTest.Client(version);
        await AssertRefusedAsync(client, server, alert, version);
    }

    public static TheoryData<SslProtocols, string, TlsAlert> BadCertificates()
    {
        var data = new TheoryData<SslProtocols, string, TlsAlert>();
        foreach (SslProtocols version in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
        {
            data.Add(version, nameof(TestCertificates.ExpiredClient), TlsAlert.CertificateExpired);
            data.Add(version, nameof(TestCertificates.UntrustedClient), TlsAlert.UnknownCa);
            data.Add(version, nameof(TestCertificates.ClientForServersOnly), TlsAlert.UnsupportedCertificate);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(BadCertificates))]
    public async Task Bad_certificate_gets_the_alert_with_the_reason(SslProtocols version, string name, TlsAlert alert)
    {
        var certificate = (X509Certificate2)typeof(TestCertificates).GetProperty(name)!.GetValue(null)!;
        using TlsServerContext server = TlsTest.Server(version, o => o.ClientCertificateMode = TlsClientCertificateMode.AllowCertificate);
        using TlsClientContext client = TlsTest.Client(version, o => o.ClientCertificate = certificate);
        await AssertRefusedAsync(client, server, alert, version);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Validation_callback_decides(SslProtocols version)
    {
        var seen = new List<(X509Certificate2, int, SslPolicyErrors)>();
        bool answer = true;
        using TlsServerContext server = TlsTest.Server(version, o =>
        {
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
            o.ClientCertificateValidation = (certificate, chain, errors) =>
            {
                seen.Add((certificate, chain!.ChainElements.Count, errors));
                return answer;
            };
        });
        using TlsClientContext expired = TlsTest.Client(version, o => o.ClientCertificate = TestCertificates.ExpiredClient);
        using TlsClientContext valid = TlsTest.Client(version, o => o.ClientCertificate = TestCertificates.Client);
        await using (Pair pair = await TlsTest.ConnectAsync(expired, server))
        {
            Assert.Equal(TestCertificates.ExpiredClient, pair.Server.RemoteCertificate);
        }

        answer = false;
        await AssertRefusedAsync(valid, server, TlsAlert.BadCertificate, version);
        Assert.Equal([(TestCertificates.ExpiredClient, 2, SslPolicyErrors.RemoteCertificateChainErrors), (TestCertificates.Client, 2, SslPolicyErrors.None)], seen);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Validation_callback_that_throws_fails_the_handshake_alone(SslProtocols version)
    {
        var thrown = new InvalidTimeZoneException("validation");
        using TlsServerContext server = TlsTest.Server(version, o =>
        {
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
            o.ClientCertificateValidation = (_, _, _) => throw thrown;
        });
        using TlsClientContext client = TlsTest.Client(version, o => o.ClientCertificate = TestCertificates.Client);
        AuthenticationException refusal = await AssertRefusedAsync(client, server, TlsAlert.InternalError, version);
        Assert.Same(thrown, refusal.InnerException!.InnerException);
    }

    [Fact]
    public async Task Selector_picks_the_certificate_when_the_server_asks()
    {
        using TlsServerContext asking = TlsTest.Server(configure: o => o.ClientCertificateMode = TlsClientCertificateMode.AllowCertificate);
        using TlsServerContext silent = TlsTest.Server();
        var hosts = new List<string>();
        using TlsClientContext client = TlsTest.Client(configure: o =>
        {
            o.ClientCertificate = TestCertificates.OtherClient;
            o.ClientCertificateSelector = (host, issuers) =>
            {
                Assert.Empty(issuers);
                hosts.Add(host);
                return TestCertificates.Client;
            };
        });
        await using (Pair pair = await TlsTest.ConnectAsync(client, silent))
        {
            Assert.Empty(hosts);
        }

        await using (Pair pair = await TlsTest.ConnectAsync(client, asking))
        {
            Assert.Equal(TestCertificates.Client, pair.Server.RemoteCertificate);
        }

        Assert.Equal(["localhost"], hosts);
    }

    /// <summary>Errors that a callback leaves in its thread's OpenSSL error queue do not fail the handshake.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Callbacks_that_leave_errors_behind_do_no_harm(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o =>
        {
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
            o.ClientCertificateValidation = (_, _, _) => LeaveError();
        });
        using TlsClientContext client = TlsTest.Client(version, o =>
        {
            o.SessionCacheSize = 0;
            o.ClientCertificateSelector = (_, _) => LeaveError() ? TestCertificates.Client : null;
            o.RemoteCertificateValidationCallback = (_, _, _, _) => LeaveError();
        });

        // The second time: in the first one, .NET initializes things and clears the queue.
        for (int i = 0; i < 2; i++)
        {
            await using Pair pair = await TlsTest.ConnectAsync(client, server);
            await pair.Client.SendAsync([1]);
            Assert.Equal([1], await pair.Server.ReadExactlyAsync(1));
        }

        static bool LeaveError()
        {
            using var context = new OpenSsl.SslContextHandle(server: true);
            return OpenSsl.LibSsl.SSL_CTX_set_cipher_list(context.DangerousGetHandle(), "no such cipher") == 0;
        }
    }

    [Fact]
    public async Task Selector_that_throws_fails_the_handshake_alone()
    {
        var thrown = new InvalidTimeZoneException("selector");
        using TlsServerContext server = TlsTest.Server(configure: o => o.ClientCertificateMode = TlsClientCertificateMode.AllowCertificate);
        using TlsClientContext client = TlsTest.Client(configure: o => o.ClientCertificateSelector = (_, _) => throw thrown);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        AuthenticationException failure = await Assert.ThrowsAsync<AuthenticationException>(() => TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask());
        Assert.Same(thrown, failure.InnerException!.InnerException);
        await Assert.ThrowsAsync<AuthenticationException>(() => accept);
    }

    /// <summary>In TLS 1.3 the client's handshake is complete before the server has validated the certificate. There the client gets the alert with its first read.</summary>
    private static async Task<AuthenticationException> AssertRefusedAsync(TlsClientContext client, TlsServerContext server, TlsAlert alert, SslProtocols version)
    {
        if (version == SslProtocols.Tls12)
        {
            return await HandshakeTests.AssertRefusedAsync(client, server, alert);
        }

        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        await using TlsConnection connected = await TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout());
        AuthenticationException refusal = await Assert.ThrowsAsync<AuthenticationException>(() => accept);
        Assert.Equal(alert, Assert.IsType<TlsAlertException>(refusal.InnerException).Alert);
        IOException failure = await Assert.ThrowsAsync<IOException>(() => connected.ReadAsync(new byte[1], TlsTest.Timeout()).AsTask());
        TlsAlertException received = Assert.IsType<TlsAlertException>(failure.InnerException);
        Assert.Equal((alert, true), (received.Alert, received.IsReceived));
        return refusal;
    }
}
