using System.Security.Cryptography.X509Certificates;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Certificates of <c>MtaTls:Endpoints</c>: their sources, and their replacement while the server runs.</summary>
public sealed class CertificateTests
{
    private static readonly Dictionary<string, string?> s_fromFiles = new()
    {
        ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0",
        ["MtaTls:Endpoints:Public:Certificate:Path"] = "server.pem",
        ["MtaTls:Endpoints:Public:Certificate:KeyPath"] = "server.key",
    };

    private static Task<TestApp> StartAsync(Dictionary<string, string?> settings, Action<string> files)
        => TestApp.StartBareAsync(builder => builder.WebHost.UseMtaTls(), settings: settings, files: files);

    private static async Task<string> SeenByMtaTlsAsync(TestApp app)
    {
        await using RawClient client = await RawClient.HandshakeAsync(app.Port, o => o.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null);
        Assert.True(client.Tls.DataMultiplexingNegotiated);
        return client.Tls.RemoteCertificate!.Thumbprint;
    }

    [Fact]
    public async Task The_next_handshake_of_all_clients_uses_replaced_files()
    {
        await using TestApp app = await StartAsync(s_fromFiles, root => PemFiles.Write(root, "server", TestCertificates.Server));
        await using RawClient session = await RawClient.ConnectAsync(app.Port);
        Assert.Equal(TestCertificates.Server.Thumbprint, await SeenByMtaTlsAsync(app));
        Assert.Equal(TestCertificates.Server.Thumbprint, (await OrdinaryClient.CertificatesAsync(app.Port))[0]);

        PemFiles.Write(app.ContentRoot, "server", TestCertificates.RsaServer);
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, await SeenByMtaTlsAsync(app));
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, (await OrdinaryClient.CertificatesAsync(app.Port))[0]);
        Assert.Equal("hello", await session.GetAsync());
    }

    [Fact]
    public async Task A_replacement_that_does_not_match_leaves_the_former_certificate_in_use()
    {
        await using TestApp app = await StartAsync(s_fromFiles, root => PemFiles.Write(root, "server", TestCertificates.Server));
        await File.WriteAllTextAsync(Path.Combine(app.ContentRoot, "server.pem"), TestCertificates.OtherServer.ExportCertificatePem());
        Assert.Equal(TestCertificates.Server.Thumbprint, await SeenByMtaTlsAsync(app));
        Assert.Contains("MtaTls:Endpoints:Public:Certificate", Assert.Single(app.Warnings), StringComparison.Ordinal);

        PemFiles.Write(app.ContentRoot, "server", TestCertificates.OtherServer);
        Assert.Equal(TestCertificates.OtherServer.Thumbprint, await SeenByMtaTlsAsync(app));
    }

    // As Kubernetes mounts secrets: the files are links into a directory that is itself a link, which is replaced.
    [Fact]
    public async Task A_swapped_directory_link_is_a_replacement()
    {
        Dictionary<string, string?> settings = new(s_fromFiles)
        {
            ["MtaTls:Endpoints:Public:Certificate:Path"] = "tls/server.pem",
            ["MtaTls:Endpoints:Public:Certificate:KeyPath"] = "tls/server.key",
        };
        await using TestApp app = await StartAsync(settings, root =>
        {
            PemFiles.Write(Directory.CreateDirectory(Path.Combine(root, "one")).FullName, "server", TestCertificates.Server);
            PemFiles.Write(Directory.CreateDirectory(Path.Combine(root, "two")).FullName, "server", TestCertificates.RsaServer);
            Directory.CreateSymbolicLink(Path.Combine(root, "..data"), "one");
            Directory.CreateDirectory(Path.Combine(root, "tls"));
            foreach (string file in (string[])["server.pem", "server.key"])
            {
                File.CreateSymbolicLink(Path.Combine(root, "tls", file), $"../..data/{file}");
            }
        });
        Assert.Equal(TestCertificates.Server.Thumbprint, await SeenByMtaTlsAsync(app));
        Directory.CreateSymbolicLink(Path.Combine(app.ContentRoot, "..new"), "two");
        Directory.Delete(Path.Combine(app.ContentRoot, "..data"));
        Directory.Move(Path.Combine(app.ContentRoot, "..new"), Path.Combine(app.ContentRoot, "..data"));
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, await SeenByMtaTlsAsync(app));
    }

    [Fact]
    public async Task The_chain_in_a_PEM_file_is_sent_to_all_clients()
    {
        await using TestApp app = await StartAsync(s_fromFiles, root => PemFiles.Write(root, "server", TestCertificates.ServerBelowIntermediate, TestCertificates.Intermediate));
        // Both trust the root and know no intermediate.
        Assert.True(await RawClient.IsNegotiatedAsync(app.Port));
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
    }

    [Theory]
    [InlineData("pfx")]
    [InlineData("pem")]
    [InlineData("encrypted")]
    public async Task A_certificate_may_be_one_file_or_have_an_encrypted_key(string form)
    {
        Dictionary<string, string?> settings = new()
        {
            ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0",
            ["MtaTls:Endpoints:Public:Certificate:Path"] = "server." + (form == "pfx" ? "pfx" : "pem"),
        };
        if (form != "pem")
        {
            settings["MtaTls:Endpoints:Public:Certificate:Password"] = "secret";
        }

        if (form == "encrypted")
        {
            settings["MtaTls:Endpoints:Public:Certificate:KeyPath"] = "server.key";
        }

        X509Certificate2 certificate = TestCertificates.ServerBelowIntermediate;
        await using TestApp app = await StartAsync(settings, root =>
        {
            switch (form)
            {
                case "pfx":
                    File.WriteAllBytes(Path.Combine(root, "server.pfx"), new X509Certificate2Collection { certificate, TestCertificates.Intermediate }.Export(X509ContentType.Pfx, "secret")!);
                    break;
                case "pem":
                    File.WriteAllText(Path.Combine(root, "server.pem"), string.Join('\n', certificate.ExportCertificatePem(), TestCertificates.Intermediate.ExportCertificatePem(), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()));
                    break;
                default:
                    PemFiles.Write(root, "server", certificate, TestCertificates.Intermediate);
                    File.WriteAllText(Path.Combine(root, "server.key"), certificate.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem(
                        "secret", new System.Security.Cryptography.PbeParameters(System.Security.Cryptography.PbeEncryptionAlgorithm.Aes256Cbc, System.Security.Cryptography.HashAlgorithmName.SHA256, 1000)));
                    break;
            }
        });
        Assert.Equal(certificate.Thumbprint, await SeenByMtaTlsAsync(app));
        Assert.True(await RawClient.IsNegotiatedAsync(app.Port));
    }

    [Fact]
    public async Task Without_its_own_certificate_an_endpoint_has_Kestrels_default()
    {
        await using TestApp app = await StartAsync(
            new()
            {
                ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0",
                ["Kestrel:Certificates:Default:Path"] = "default.pem",
                ["Kestrel:Certificates:Default:KeyPath"] = "default.key",
            },
            root => PemFiles.Write(root, "default", TestCertificates.Server));
        Assert.Equal(TestCertificates.Server.Thumbprint, await SeenByMtaTlsAsync(app));
        Assert.Equal(TestCertificates.Server.Thumbprint, (await OrdinaryClient.CertificatesAsync(app.Port))[0]);
        PemFiles.Write(app.ContentRoot, "default", TestCertificates.RsaServer);
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, await SeenByMtaTlsAsync(app));
    }

    [Fact]
    public async Task Without_any_certificate_a_server_in_Production_does_not_start()
    {
        using X509Store store = new(StoreName.My, StoreLocation.CurrentUser);
        store.Open(OpenFlags.ReadOnly);
        Assert.SkipWhen(store.Certificates.Any(c => c.Extensions.Any(e => e.Oid!.Value == "1.3.6.1.4.1.311.84.1.1")), "A development certificate is on this machine.");
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(new() { ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0" }, _ => { }));
        Assert.Contains("MtaTls:Endpoints:Public:Certificate", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Subject", "localhost-in-store.test")]
    [InlineData("Thumbprint", null)]
    public async Task A_certificate_may_come_from_a_store(string by, string? value)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(
            TestCertificates.Issue("CN=localhost-in-store.test", TestCertificates.Root, "1.3.6.1.5.5.7.3.1", ["localhost"]).Export(X509ContentType.Pfx), null,
            X509KeyStorageFlags.PersistKeySet | X509KeyStorageFlags.Exportable);
        string name = $"MtaTlsTest{Environment.ProcessId}";
        using X509Store store = new(name, StoreLocation.CurrentUser);
        store.Open(OpenFlags.ReadWrite);
        store.Add(certificate);
        try
        {
            Dictionary<string, string?> settings = new()
            {
                ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0",
                [$"MtaTls:Endpoints:Public:Certificate:{by}"] = value ?? certificate.Thumbprint,
                ["MtaTls:Endpoints:Public:Certificate:Store"] = name,
                ["MtaTls:Endpoints:Public:Certificate:Location"] = "CurrentUser",
                ["MtaTls:Endpoints:Public:Certificate:AllowInvalid"] = "true",
            };
            await using (TestApp app = await StartAsync(settings, _ => { }))
            {
                Assert.Equal(certificate.Thumbprint, await SeenByMtaTlsAsync(app));
            }

            // Its issuer is not trusted.
            settings["MtaTls:Endpoints:Public:Certificate:AllowInvalid"] = "false";
            await Assert.ThrowsAnyAsync<Exception>(() => StartAsync(settings, _ => { }));
        }
        finally
        {
            store.Remove(certificate);
        }
    }
}
