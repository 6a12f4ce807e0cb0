using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>Revocation, checked online with a list that the test serves.</summary>
public class RevocationTests
{
    [Fact]
    public async Task Revoked_client_is_certificate_revoked()
    {
        using var authority = new RevokingAuthority();
        X509Certificate2 good = authority.Issue("CN=good", "1.3.6.1.5.5.7.3.2");
        X509Certificate2 revoked = authority.Issue("CN=revoked", "1.3.6.1.5.5.7.3.2");
        authority.Revoke(revoked);
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls12, o =>
        {
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
            o.ClientCertificateChainPolicy = authority.Policy();
        });
        using TlsClientContext goodClient = TlsTest.Client(SslProtocols.Tls12, o => o.ClientCertificate = good);
        using TlsClientContext revokedClient = TlsTest.Client(SslProtocols.Tls12, o => o.ClientCertificate = revoked);
        await using Pair pair = await TlsTest.ConnectAsync(goodClient, server);
        await HandshakeTests.AssertRefusedAsync(revokedClient, server, TlsAlert.CertificateRevoked);
    }

    [Fact]
    public async Task Revoked_server_is_certificate_revoked()
    {
        using var authority = new RevokingAuthority();
        X509Certificate2 certificate = authority.Issue("CN=localhost", "1.3.6.1.5.5.7.3.1");
        authority.Revoke(certificate);
        using TlsServerContext server = TlsTest.Server(configure: o => o.ServerCertificate = certificate);
        using TlsClientContext careless = TlsTest.Client(configure: o => o.CertificateChainPolicy = authority.Policy(X509RevocationMode.NoCheck));
        using TlsClientContext careful = TlsTest.Client(configure: o => o.CertificateChainPolicy = authority.Policy());
        await using Pair pair = await TlsTest.ConnectAsync(careless, server);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        AuthenticationException failure = await Assert.ThrowsAsync<AuthenticationException>(() => TlsConnection.ConnectAsync(clientPipe, careful, TlsTest.Timeout()).AsTask());
        Assert.Equal(TlsAlert.CertificateRevoked, Assert.IsType<TlsAlertException>(failure.InnerException).Alert);
        await Assert.ThrowsAsync<AuthenticationException>(() => accept);
    }

    /// <summary>The options also turn on the online check. Without its list, a certificate is refused.</summary>
    [Fact]
    public async Task Switches_of_the_options_ask_for_revocation()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls12, o =>
        {
            o.ClientCertificateMode = TlsClientCertificateMode.AllowCertificate;
            o.ClientCertificateChainPolicy = null;
            o.CheckCertificateRevocation = true;
            o.ClientCertificateValidation = (_, chain, _) => chain!.ChainPolicy.RevocationMode != X509RevocationMode.Online;
        });
        using TlsClientContext client = TlsTest.Client(SslProtocols.Tls12, o => o.ClientCertificate = TestCertificates.Client);
        AuthenticationException failure = await HandshakeTests.AssertRefusedAsync(client, server, TlsAlert.UnknownCa);
        Assert.Contains("validation callback", failure.Message, StringComparison.Ordinal);

        X509RevocationMode? seen = null;
        using TlsServerContext plain = TlsTest.Server();
        using TlsClientContext checking = TlsTest.Client(configure: o =>
        {
            o.CertificateChainPolicy = null;
            o.CertificateRevocationCheckMode = X509RevocationMode.Offline;
            o.RemoteCertificateValidationCallback = (_, _, chain, _) =>
            {
                seen = chain!.ChainPolicy.RevocationMode;
                return true;
            };
        });
        await using Pair pair = await TlsTest.ConnectAsync(checking, plain);
        Assert.Equal(X509RevocationMode.Offline, seen);
    }

    /// <summary>A list can be slow. No thread of the thread pool waits for it.</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task No_thread_of_the_pool_waits_for_a_download(SslProtocols version)
    {
        using var authority = new RevokingAuthority();
        bool? server = null, client = null;
        using TlsServerContext serverContext = TlsTest.Server(version, o =>
        {
            o.ServerCertificate = authority.Issue("CN=localhost", "1.3.6.1.5.5.7.3.1");
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
            o.ClientCertificateChainPolicy = authority.Policy();
            o.ClientCertificateValidation = (_, _, _) =>
            {
                server = Thread.CurrentThread.IsThreadPoolThread;
                return true;
            };
        });
        using TlsClientContext clientContext = TlsTest.Client(version, o =>
        {
            o.ClientCertificate = authority.Issue("CN=client", "1.3.6.1.5.5.7.3.2");
            o.CertificateChainPolicy = authority.Policy();
            o.RemoteCertificateValidationCallback = (_, _, _, _) =>
            {
                client = Thread.CurrentThread.IsThreadPoolThread;
                return true;
            };
        });
        await using Pair pair = await TlsTest.ConnectAsync(clientContext, serverContext);
        Assert.Equal((false, false), (server, client));
    }

    /// <summary>An authority with a revocation list on the loopback interface. Port and name are new each time, because .NET caches lists.</summary>
    private sealed class RevokingAuthority : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CertificateRevocationListBuilder _list = new();
        private readonly X509Certificate2 _root;
        private readonly string _name = $"{RandomNumberGenerator.GetHexString(16)}.crl";

        public RevokingAuthority()
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=Revoking Root", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
            request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
            _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
            _listener.Start();
            _ = ServeAsync();
        }

        public X509ChainPolicy Policy(X509RevocationMode mode = X509RevocationMode.Online)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = mode, RevocationFlag = X509RevocationFlag.ExcludeRoot };
            policy.CustomTrustStore.Add(_root);
            policy.CustomTrustStore.Add(TestCertificates.Root);
            return policy;
        }

        public X509Certificate2 Issue(string subject, string purpose)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
            request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_root, true, false));
            request.CertificateExtensions.Add(CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([$"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/{_name}"]));
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            request.CertificateExtensions.Add(names.Build());
            using X509Certificate2 issued = request.Create(_root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(5), RandomNumberGenerator.GetBytes(8));
            return issued.CopyWithPrivateKey(key);
        }

        public void Revoke(X509Certificate2 certificate) => _list.AddEntry(certificate);

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using Socket socket = await _listener.AcceptSocketAsync();
                    await using var stream = new NetworkStream(socket);
                    _ = await stream.ReadAsync(new byte[4096]);
                    byte[] list = _list.Build(_root, 1, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256, thisUpdate: DateTimeOffset.UtcNow.AddHours(-1));
                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\nContent-Length: {list.Length}\r\nConnection: close\r\n\r\n"));
                    await stream.WriteAsync(list);
                }
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException or OperationCanceledException)
            {
                // Disposed.
            }
        }
    }
}
