using System.Buffers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Every member of HttpsConnectionAdapterOptions applies to MTA-TLS as it does to HTTPS, so a client cannot evade one by offering the extension.</summary>
public sealed class HttpsOptionsTests
{
    private static Task<TestApp> StartAsync(Action<HttpsConnectionAdapterOptions> https, Action<MtaTls.AspNetCore.MtaTlsOptions>? mtaTls = null)
        => TestApp.StartAsync(a => a.MapGet("/", (HttpContext c) => c.Connection.ClientCertificate?.Subject ?? "nobody"), mtaTls, https);

    private static async Task<bool> IsRefusedAsync(int port, Action<TlsClientOptions>? configure = null)
    {
        try
        {
            await using RawClient client = await RawClient.HandshakeAsync(port, configure);
            // In TLS 1.3 the server validates the client's certificate after the handshake is complete for the client.
            await client.Tls.ReadAsync(new byte[1]).Soon();
            return false;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return true;
        }
    }

    [Fact]
    public async Task ServerCertificate_is_read_in_each_handshake()
    {
        HttpsConnectionAdapterOptions? options = null;
        await using TestApp app = await StartAsync(o => options = o);
        await using RawClient before = await RawClient.HandshakeAsync(app.Port);
        options!.ServerCertificate = TestCertificates.RsaServer;
        await using RawClient after = await RawClient.HandshakeAsync(app.Port);
        Assert.Equal(TestCertificates.Server.Thumbprint, before.Tls.RemoteCertificate!.Thumbprint);
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, after.Tls.RemoteCertificate!.Thumbprint);
    }

    [Fact]
    public async Task ServerCertificateChain_is_sent()
    {
        await using TestApp app = await StartAsync(o =>
        {
            o.ServerCertificate = TestCertificates.ServerBelowIntermediate;
            o.ServerCertificateChain = [TestCertificates.Intermediate];
        });
        // The client trusts the root and has no intermediate, so without the chain it would refuse.
        Assert.True(await RawClient.IsNegotiatedAsync(app.Port));
    }

    [Fact]
    public async Task ServerCertificateSelector_is_asked_in_each_handshake_with_connection_and_name()
    {
        List<(string? Id, string? Name)> asked = [];
        X509Certificate2 current = TestCertificates.Server;
        await using TestApp app = await StartAsync(o => o.ServerCertificateSelector = (connection, name) =>
        {
            asked.Add((connection?.ConnectionId, name));
            return name == "nobody.test" ? null : current;
        });
        await using RawClient before = await RawClient.HandshakeAsync(app.Port);
        current = TestCertificates.RsaServer;
        await using RawClient after = await RawClient.HandshakeAsync(app.Port);
        Assert.Equal(TestCertificates.Server.Thumbprint, before.Tls.RemoteCertificate!.Thumbprint);
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, after.Tls.RemoteCertificate!.Thumbprint);
        Assert.All(asked, a => Assert.Equal("localhost", a.Name));
        Assert.All(asked, a => Assert.NotNull(a.Id));
        Assert.True(await IsRefusedAsync(app.Port, o => o.TargetHost = "nobody.test"));
    }

    [Theory]
    [InlineData(ClientCertificateMode.NoCertificate, false, "nobody")]
    [InlineData(ClientCertificateMode.NoCertificate, true, "nobody")]
    [InlineData(ClientCertificateMode.AllowCertificate, false, "nobody")]
    [InlineData(ClientCertificateMode.AllowCertificate, true, "CN=client")]
    [InlineData(ClientCertificateMode.RequireCertificate, false, null)]
    [InlineData(ClientCertificateMode.RequireCertificate, true, "CN=client")]
    public async Task ClientCertificateMode_is_applied(ClientCertificateMode mode, bool sent, string? subject)
    {
        await using TestApp app = await StartAsync(o =>
        {
            o.ClientCertificateMode = mode;
            o.ClientCertificateValidation = static (certificate, _, _) => certificate.Thumbprint == TestCertificates.Client.Thumbprint;
        });
        Action<TlsClientOptions> client = o => o.ClientCertificate = sent ? TestCertificates.Client : null;
        if (subject is null)
        {
            Assert.True(await IsRefusedAsync(app.Port, client));
            return;
        }

        await using RawClient raw = await RawClient.ConnectAsync(app.Port, client);
        Assert.Equal(subject, await raw.GetAsync());
    }

    [Fact]
    public async Task Without_ClientCertificateValidation_an_unknown_client_is_refused()
    {
        await using TestApp app = await StartAsync(o => o.ClientCertificateMode = ClientCertificateMode.AllowCertificate);
        Assert.True(await IsRefusedAsync(app.Port, o => o.ClientCertificate = TestCertificates.UntrustedClient));
    }

    [Fact]
    public async Task ClientCertificateValidation_decides()
    {
        bool allow = false;
        await using TestApp app = await StartAsync(o =>
        {
            o.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            o.ClientCertificateValidation = (_, chain, errors) => chain is not null && errors != System.Net.Security.SslPolicyErrors.None && Volatile.Read(ref allow);
        });
        Assert.True(await IsRefusedAsync(app.Port, o => o.ClientCertificate = TestCertificates.UntrustedClient));
        Volatile.Write(ref allow, true);
        await using RawClient client = await RawClient.ConnectAsync(app.Port, o => o.ClientCertificate = TestCertificates.UntrustedClient);
        Assert.Equal("CN=stranger", await client.GetAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task CheckCertificateRevocation_is_applied(bool check)
    {
        X509RevocationMode? seen = null;
        await using TestApp app = await StartAsync(o =>
        {
            o.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            o.CheckCertificateRevocation = check;
            o.ClientCertificateValidation = (_, chain, _) =>
            {
                seen = chain!.ChainPolicy.RevocationMode;
                return true;
            };
        });
        await using RawClient client = await RawClient.ConnectAsync(app.Port, o => o.ClientCertificate = TestCertificates.Client);
        await client.GetAsync();
        Assert.Equal(check ? X509RevocationMode.Online : X509RevocationMode.NoCheck, seen);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13, SslProtocols.Tls13)]
    [InlineData(SslProtocols.None, SslProtocols.Tls13)]
    [InlineData(SslProtocols.Tls12 | SslProtocols.Tls13, SslProtocols.Tls13)]
    public async Task SslProtocols_is_applied(SslProtocols enabled, SslProtocols expected)
    {
        await using TestApp app = await StartAsync(o => o.SslProtocols = enabled);
        await using (RawClient client = await RawClient.HandshakeAsync(app.Port))
        {
            Assert.Equal(expected, client.Tls.Protocol);
        }

        foreach (SslProtocols version in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
        {
            bool allowed = enabled == SslProtocols.None || enabled.HasFlag(version);
            if (!allowed)
            {
                Assert.True(await IsRefusedAsync(app.Port, o => o.EnabledSslProtocols = version));
            }
        }
    }

    // The timeout includes the time before the ClientHello, so a silent connection is closed too.
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task HandshakeTimeout_is_applied(bool ofHttps, bool begun)
    {
        await using TestApp app = await StartAsync(
            o => o.HandshakeTimeout = ofHttps ? TimeSpan.FromSeconds(1) : TimeSpan.FromHours(1),
            o => o.Limits.HandshakeTimeout = ofHttps ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(1));
        using TcpClient silent = new();
        await silent.ConnectAsync("127.0.0.1", app.Port);
        if (begun)
        {
            // The record header of a ClientHello that never comes.
            await silent.GetStream().WriteAsync(new byte[] { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3 });
        }

        try
        {
            Assert.Equal(0, await silent.GetStream().ReadAsync(new byte[1]).Soon());
        }
        catch (IOException)
        {
            // A reset, because the server has not read all bytes.
        }

        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "HandshakeTimedOut"));
    }

    [Theory]
    [InlineData(77)]
    [InlineData(3)]
    public async Task HandshakeTimeout_of_the_limits_replaces_Kestrels_default_longer_or_shorter(int seconds)
    {
        WatchedClock clock = new(TimeSpan.FromSeconds(seconds));
        await using TestApp app = await TestApp.StartAsync(
            static a => a.MapGet("/", () => "hello"), o => o.Limits.HandshakeTimeout = TimeSpan.FromSeconds(seconds), configure: b => b.Services.AddSingleton<TimeProvider>(clock));
        using TcpClient silent = new();
        await silent.ConnectAsync("127.0.0.1", app.Port);
        await clock.Armed.Soon();
    }

    [Fact]
    public async Task TlsClientHelloBytesCallback_sees_the_ClientHello_once()
    {
        List<byte[]> seen = [];
        await using TestApp app = await StartAsync(o => o.TlsClientHelloBytesCallback = (_, octets) => seen.Add(octets.ToArray()));
        Assert.True(await RawClient.IsNegotiatedAsync(app.Port));
        byte[] hello = Assert.Single(seen);
        Assert.Equal(0x16, hello[0]);
        Assert.Equal(1, hello[5]);
        Assert.Equal((hello[3] << 8 | hello[4]) + 5, hello.Length);
        await OrdinaryClient.GetAsync(app.Port);
        Assert.Equal(2, seen.Count);
    }

    /// <summary>The same on an endpoint of the configuration, whose certificate a callback selects in each handshake.</summary>
    [Fact]
    public async Task TlsClientHelloBytesCallback_sees_the_ClientHellos_of_a_configured_endpoint_once()
    {
        List<byte[]> seen = [];
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.ConfigureKestrel(k => k.ConfigureHttpsDefaults(o => o.TlsClientHelloBytesCallback = (_, octets) => seen.Add(octets.ToArray())));
                builder.WebHost.UseMtaTls();
            },
            settings: new Dictionary<string, string?>
            {
                ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0",
                ["MtaTls:Endpoints:Public:Certificate:Path"] = "server.pem",
                ["MtaTls:Endpoints:Public:Certificate:KeyPath"] = "server.key",
            },
            files: static folder => PemFiles.Write(folder, "server", TestCertificates.Server));
        Assert.True(await RawClient.IsNegotiatedAsync(app.Port));
        Assert.Single(seen);
        await OrdinaryClient.GetAsync(app.Port);
        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public async Task A_session_is_never_resumed_on_another_endpoint()
    {
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.ConfigureKestrel(k =>
            {
                k.Listen(System.Net.IPAddress.Loopback, 0, e => e.UseHttps(TestCertificates.Server));
                k.Listen(System.Net.IPAddress.Loopback, 0, e => e.UseHttps(o =>
                {
                    o.ServerCertificate = TestCertificates.Server;
                    o.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                }));
            });
        });
        using TlsClientContext context = new(new TlsClientOptions { TargetHost = "localhost", CertificateChainPolicy = TestCertificates.TrustRoot() });
        await using (RawClient first = await RawClient.ConnectAsync(app.Ports[0], context))
        {
            await first.GetAsync();
        }

        await using (RawClient again = await RawClient.ConnectAsync(app.Ports[0], context))
        {
            Assert.True(again.Tls.SessionResumed);
            await again.GetAsync();
        }

        await using RawClient other = await RawClient.ConnectAsync(app.Ports[1], context);
        Assert.False(other.Tls.SessionResumed);
        await Assert.ThrowsAnyAsync<IOException>(() => other.GetAsync());
    }
}
