using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Security;

/// <summary>The client's certificate in headers for backends: Client-Cert, Client-Cert-Chain (RFC 9440) and X-Forwarded-Client-Cert.</summary>
public sealed class ClientCertificateHeaderTests
{
    private const string All = """
        "MtaTls": { "ClientCertificateHeaders": { "ClientCert": true, "ClientCertChain": true, "XForwardedClientCert": [ "Hash", "Subject", "Uri", "Dns" ] } },
        """;

    [Fact]
    public async Task A_backend_gets_the_sessions_certificate_and_its_chain()
    {
        X509Certificate2 certificate = Issue("CN=worker, O=\"Example, Inc.\"", TestCertificates.Intermediate, "uri:spiffe://example.org/worker", "dns:Worker.Example");
        string subject = await SubjectAsync(certificate);
        await using TestApp backend = await StartBackendAsync();
        await using TestApp gateway = await StartAsync(backend, All);
        using TlsClientContext context = new(new TlsClientOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            ClientCertificate = certificate,
            ClientCertificateChain = [TestCertificates.OtherRoot, TestCertificates.Intermediate],
        });

        // The second session is resumed. The client sends no certificates, and the server still knows the same ones.
        foreach (bool isResumed in (bool[])[false, true])
        {
            await using RawClient client = await RawClient.ConnectAsync(gateway.Port, context);
            Assert.Equal(":" + Convert.ToBase64String(certificate.RawData) + ":", await client.GetAsync("/header/Client-Cert"));
            Assert.Equal(":" + Convert.ToBase64String(TestCertificates.Intermediate.RawData) + ":", await client.GetAsync("/header/Client-Cert-Chain"));
            Assert.Equal(
                $"Hash={Convert.ToHexStringLower(SHA256.HashData(certificate.RawData))};Subject=\"{subject}\";URI=spiffe://example.org/worker;DNS=worker.example",
                await client.GetAsync("/header/X-Forwarded-Client-Cert"));
            Assert.Equal(isResumed, client.Tls.SessionResumed);
        }
    }

    // ASP.NET Core's own middleware, as in docs/gateway.md.
    [Fact]
    public async Task An_ASP_NET_Core_backend_takes_it_for_the_connections_certificate()
    {
        await using TestApp backend = await Backend.StartAsync(
            "backend",
            configure: static builder => builder.Services.AddCertificateForwarding(static o =>
            {
                o.CertificateHeader = "Client-Cert";
                o.HeaderConverter = static value => X509CertificateLoader.LoadCertificate(Convert.FromBase64String(value.Trim(':')));
            }),
            map: static app =>
            {
                app.UseCertificateForwarding();
                app.MapGet("/thumbprint", static (HttpContext c) => c.Connection.ClientCertificate?.Thumbprint ?? "none");
            });
        await using TestApp gateway = await StartAsync(backend, All);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port, tls: static o => o.ClientCertificate = TestCertificates.Client);
        Assert.Equal(TestCertificates.Client.Thumbprint, await client.GetAsync("/thumbprint"));
        await using RawClient anonymous = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal("none", await anonymous.GetAsync("/thumbprint"));
    }

    [Theory]
    [InlineData("Client-Cert", false)]
    [InlineData("Client-Cert", true)]
    [InlineData("client-cert-chain", true)]
    [InlineData("X-Forwarded-Client-Cert", false)]
    [InlineData("x-forwarded-client-cert", true)]
    [InlineData("Client_Cert", true)]
    [InlineData("X_Forwarded_Client-Cert", false)]
    public async Task Certificate_headers_of_a_request_are_removed(string name, bool isConfigured)
    {
        await using TestApp backend = await StartBackendAsync();
        foreach (bool byForwarder in (bool[])[false, true])
        {
            await using TestApp gateway = await StartAsync(backend, isConfigured ? All : "", byForwarder);
            foreach (Version version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
            {
                using HttpClient client = GatewayClient.Create(gateway.Port, version);
                using HttpRequestMessage request = new(HttpMethod.Get, $"https://app.internal/header/{name}") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
                Assert.True(request.Headers.TryAddWithoutValidation(name, [":Zm9yZ2Vk:", "Subject=\"CN=admin\""]));
                using HttpResponseMessage response = await client.SendAsync(request);
                Assert.Equal("", await response.Content.ReadAsStringAsync());
            }
        }
    }

    [Fact]
    public async Task The_forwarder_and_ordinary_HTTPS_send_it_too()
    {
        await using TestApp backend = await StartBackendAsync();
        await using TestApp forwarder = await StartAsync(backend, All, byForwarder: true);
        string expected = ":" + Convert.ToBase64String(TestCertificates.Client.RawData) + ":";
        await using RawClient client = await RawClient.ConnectAsync(forwarder.Port, tls: static o => o.ClientCertificate = TestCertificates.Client);
        await using HttpChannel channel = await client.OpenAsync("app.internal");
        await channel.SendAsync("GET /header/Client-Cert HTTP/1.1\r\nHost: app.internal\r\n\r\n");
        Assert.Equal(expected, (await channel.ReadResponseAsync()).Body);

        await using TestApp gateway = await StartAsync(backend, All);
        Assert.Equal(expected, await OrdinaryClient.GetAsync(gateway.Port, "/header/Client-Cert", static h => h.SslOptions.ClientCertificates = [TestCertificates.Client]));
        Assert.Equal("", await OrdinaryClient.GetAsync(gateway.Port, "/header/Client-Cert"));
    }

    [Fact]
    public async Task A_route_can_keep_it_from_its_backends()
    {
        await using TestApp backend = await StartBackendAsync();
        await using TestApp gateway = await StartAsync(backend, All, transforms: """ { "MtaTlsClientCertificate": "false" } """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port, tls: static o => o.ClientCertificate = TestCertificates.Client);
        await using HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("GET /header/Client-Cert HTTP/1.1\r\nHost: app.test\r\nClient-Cert: forged\r\n\r\n");
        Assert.Equal("", (await channel.ReadResponseAsync()).Body);
    }

    // A certificate can contain any name that its authority signs.
    [Fact]
    public async Task Names_in_a_certificate_cannot_end_a_headers_value()
    {
        X509Certificate2 certificate = Issue("CN=\"a\"\";DNS=admin,é\", OU=x", TestCertificates.Root, "uri:spiffe://x/a,b;DNS=admin", "uri:x\r\nEvil: 1", "uri:x\";DNS=admin");
        await using TestApp backend = await StartBackendAsync();
        await using TestApp gateway = await StartAsync(backend, All);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port, tls: o => o.ClientCertificate = certificate);
        Assert.Equal(
            $"Hash={Convert.ToHexStringLower(SHA256.HashData(certificate.RawData))};Subject=\"{await SubjectAsync(certificate)}\";URI=\"spiffe://x/a,b;DNS=admin\"",
            await client.GetAsync("/header/X-Forwarded-Client-Cert"));
    }

    [Fact]
    public async Task A_certificate_whose_header_would_be_too_long_is_answered_431()
    {
        X509Certificate2 large = Issue("CN=large", TestCertificates.Root, [.. Enumerable.Range(0, 100).Select(static i => $"dns:{i:000}.a-name-of-some-length.example")]);
        await using TestApp backend = await StartBackendAsync();
        await using TestApp gateway = await StartAsync(backend, """ "MtaTls": { "ClientCertificateHeaders": { "ClientCert": true, "MaxHeaderLength": 2048 } }, """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port, tls: o => o.ClientCertificate = large);
        await using HttpChannel channel = await client.OpenAsync();
        Assert.Equal(431, (await channel.GetAsync("/header/Client-Cert")).Status);
        Assert.Contains("Client-Cert ", Assert.Single(await gateway.LoggedAsync("ClientCertificateTooLong")), StringComparison.Ordinal);

        await using RawClient other = await RawClient.ConnectAsync(gateway.Port, tls: static o => o.ClientCertificate = TestCertificates.Client);
        Assert.Equal(":" + Convert.ToBase64String(TestCertificates.Client.RawData) + ":", await other.GetAsync("/header/Client-Cert"));
    }

    [Fact]
    public async Task Another_configuration_applies_to_the_next_request()
    {
        await using TestApp backend = await StartBackendAsync();
        await using TestApp gateway = await StartAsync(backend, "");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port, tls: static o => o.ClientCertificate = TestCertificates.Client);
        Assert.Equal("", await client.GetAsync("/header/X-Forwarded-Client-Cert"));
        Gateway.Write(gateway.ContentRoot, Settings(backend, """ "MtaTls": { "ClientCertificateHeaders": { "XForwardedClientCert": [ "Cert", "Chain" ] } }, """));
        string cert = Uri.EscapeDataString(TestCertificates.Client.ExportCertificatePem() + "\n");
        await Wait.UntilAsync(async () => await client.GetAsync("/header/X-Forwarded-Client-Cert") == $"Cert=\"{cert}\";Chain=\"{cert}\"");
    }

    [Fact]
    public async Task What_is_wrong_with_the_settings_is_said_at_the_start()
    {
        await using TestApp backend = await StartBackendAsync();
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(
            backend, """ "MtaTls": { "ClientCertificateHeaders": { "ClientCert": "yes", "XForwardedClientCert": [ "By" ], "MaxHeaderLength": 1023 } }, """));
        Assert.Contains("MtaTls:ClientCertificateHeaders:ClientCert: 'yes' is neither", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:ClientCertificateHeaders:XForwardedClientCert:0: 'By' is none of Hash, Cert", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:ClientCertificateHeaders:MaxHeaderLength: '1023' is not", e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => StartAsync(backend, "", transforms: """ { "MtaTlsClientCertificate": "perhaps" } """));
    }

    /// <summary>Returns the subject in OpenSSL's form, which Envoy uses.</summary>
    private static async Task<string> SubjectAsync(X509Certificate2 certificate)
    {
        (int exitCode, string output) = await Tool.RunAsync("openssl", certificate.ExportCertificatePem(), "x509", "-noout", "-subject", "-nameopt", "RFC2253");
        Assert.Equal(0, exitCode);
        return output.Trim()["subject=".Length..];
    }

    private static Task<TestApp> StartBackendAsync() => Backend.StartAsync("backend", map: static app => app.MapGet("/header/{name}", static (string name, HttpRequest request) => request.Headers[name].ToString()));

    private static string Settings(TestApp backend, string more, string transforms = "") => $$"""
        { {{more}}
          "ReverseProxy": {
            "Routes": { "all": { "ClusterId": "apps", "Match": { "Path": "{**path}" }, "Transforms": [ {{transforms}} ] } },
            "Clusters": { "apps": { "Destinations": { "d": { "Address": "http://127.0.0.1:{{backend.Port}}" } } } } } }
        """;

    private static Task<TestApp> StartAsync(TestApp backend, string more, bool byForwarder = false, string transforms = "") => Gateway.StartAsync(
        Settings(backend, more, transforms),
        app =>
        {
            if (byForwarder)
            {
                app.MapMtaTlsForwarder();
            }
            else
            {
                app.MapReverseProxy();
            }
        },
        https: static o => (o.ClientCertificateMode, o.ClientCertificateValidation) = (Microsoft.AspNetCore.Server.Kestrel.Https.ClientCertificateMode.AllowCertificate, static (_, _, _) => true),
        configure: builder =>
        {
            builder.Configuration["MtaTls:Destinations:app.internal"] = $"http://127.0.0.1:{backend.Port}";
            builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsRouting();
        });

    private static X509Certificate2 Issue(string subject, X509Certificate2 issuer, params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(subject, key, HashAlgorithmName.SHA256);
        System.Formats.Asn1.AsnWriter writer = new(System.Formats.Asn1.AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (string name in names)
            {
                int colon = name.IndexOf(':', StringComparison.Ordinal);
                writer.WriteCharacterString(
                    System.Formats.Asn1.UniversalTagNumber.IA5String, name[(colon + 1)..],
                    new System.Formats.Asn1.Asn1Tag(System.Formats.Asn1.TagClass.ContextSpecific, name.StartsWith("dns", StringComparison.Ordinal) ? 2 : 6));
            }
        }

        request.CertificateExtensions.Add(new X509Extension("2.5.29.17", writer.Encode(), critical: false));
        using X509Certificate2 issued = request.Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuer.GetECDsaPrivateKey()!), DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }
}
