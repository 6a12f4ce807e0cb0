using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>
/// <c>ClientCertificateAuthorityPath</c> of an endpoint: the authorities in that file must have issued client certificates, in MTA-TLS sessions and on ordinary HTTPS.
/// </summary>
public sealed class ClientAuthorityTests
{
    private const string Setting = "MtaTls:Endpoints:Public:ClientCertificateAuthorityPath";

    private static readonly X509Certificate2 s_successor = TestCertificates.OtherRoot;

    private static readonly X509Certificate2 s_belowIntermediate =
        TestCertificates.Issue("CN=below", TestCertificates.Intermediate, "1.3.6.1.5.5.7.3.2", ["below.test"]);

    private static Dictionary<string, string?> Settings(string mode = "RequireCertificate", bool isServersNamed = true)
    {
        Dictionary<string, string?> settings = new()
        {
            ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0",
            ["MtaTls:Endpoints:Public:ClientCertificateMode"] = mode,
            [Setting] = "ca.pem",
        };
        if (isServersNamed)
        {
            settings["MtaTls:Endpoints:Public:Certificate:Path"] = "server.pem";
            settings["MtaTls:Endpoints:Public:Certificate:KeyPath"] = "server.key";
        }

        return settings;
    }

    private static TestApp Build(Dictionary<string, string?> settings, string? authorities, Action<HttpsConnectionAdapterOptions>? https = null)
        => TestApp.Build(
            builder =>
            {
                builder.WebHost.ConfigureKestrel(k => k.ConfigureHttpsDefaults(o => https?.Invoke(o)));
                builder.WebHost.UseMtaTls();
            },
            static app => app.MapGet("/", static (HttpContext c) => c.Connection.ClientCertificate?.Subject ?? "nobody"),
            settings,
            files: root =>
            {
                PemFiles.Write(root, "server", TestCertificates.Server);
                if (authorities is not null)
                {
                    File.WriteAllText(Path.Combine(root, "ca.pem"), authorities);
                }
            });

    private static async Task<TestApp> StartAsync(Dictionary<string, string?> settings, string authorities, Action<HttpsConnectionAdapterOptions>? https = null)
    {
        TestApp app = Build(settings, authorities, https);
        try
        {
            await app.App.StartAsync().Soon();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private static string Pem(params X509Certificate2[] certificates) => string.Concat(certificates.Select(static c => c.ExportCertificatePem() + "\n"));

    private static void Replace(TestApp app, string authorities)
    {
        string path = Path.Combine(app.ContentRoot, "ca.pem");
        File.WriteAllText(path + ".new", authorities);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Returns the client's name at the server, in a session and on ordinary HTTPS; null if both refuse the client.</summary>
    private static async Task<string?> SeenAsync(TestApp app, X509Certificate2? certificate, params X509Certificate2[] chain)
    {
        string? session = await SeenInSessionAsync(app, new TlsClientOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            ApplicationProtocols = { SslApplicationProtocol.Http11 },
            ClientCertificate = certificate,
            ClientCertificateChain = [.. chain],
        });
        string? ordinary = await SeenOrdinarilyAsync(app, certificate is null ? null : SslStreamCertificateContext.Create(certificate, [.. chain], offline: true));
        Assert.Equal(session, ordinary);
        return session;
    }

    private static async Task<string?> SeenInSessionAsync(TestApp app, TlsClientOptions options)
    {
        using TlsClientContext context = new(options);
        return await SeenInSessionAsync(app, context);
    }

    private static async Task<string?> SeenInSessionAsync(TestApp app, TlsClientContext context)
    {
        try
        {
            await using RawClient client = await RawClient.ConnectAsync(app.Port, context);
            return await client.GetAsync();
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return null;
        }
    }

    private static async Task<string?> SeenOrdinarilyAsync(TestApp app, SslStreamCertificateContext? certificate)
    {
        try
        {
            return await OrdinaryClient.GetAsync(app.Port, configure: h => h.SslOptions.ClientCertificateContext = certificate);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task Certificates_of_the_files_authorities_alone_are_accepted(bool isServersNamed, bool bySelector)
    {
        await using TestApp app = await StartAsync(Settings(isServersNamed: isServersNamed), Pem(TestCertificates.Root), https =>
        {
            if (bySelector)
            {
                https.ServerCertificateSelector = static (_, _) => TestCertificates.Server;
            }
            else if (!isServersNamed)
            {
                https.ServerCertificate = TestCertificates.Server;
            }
        });
        Assert.Equal("CN=client", await SeenAsync(app, TestCertificates.Client));
        Assert.Equal("CN=below", await SeenAsync(app, s_belowIntermediate, TestCertificates.Intermediate));
        Assert.Null(await SeenAsync(app, s_belowIntermediate));
        Assert.Null(await SeenAsync(app, TestCertificates.UntrustedClient));
        Assert.Null(await SeenAsync(app, TestCertificates.UntrustedClient, TestCertificates.OtherRoot));
        Assert.Null(await SeenAsync(app, TestCertificates.ExpiredClient));
        Assert.Null(await SeenAsync(app, TestCertificates.ClientForServersOnly));
        Assert.Null(await SeenAsync(app, null));
        Assert.Empty(app.Warnings);
    }

    [Fact]
    public async Task A_file_may_have_several_authorities_and_intermediates()
    {
        await using TestApp app = await StartAsync(Settings("AllowCertificate"), Pem(s_successor, TestCertificates.Intermediate, TestCertificates.Root));
        Assert.Equal("CN=client", await SeenAsync(app, TestCertificates.Client));
        Assert.Equal("CN=stranger", await SeenAsync(app, TestCertificates.UntrustedClient));
        Assert.Equal("CN=below", await SeenAsync(app, s_belowIntermediate));
        Assert.Equal("nobody", await SeenAsync(app, null));
    }

    [Fact]
    public async Task The_next_handshake_of_all_clients_uses_a_changed_file()
    {
        await using TestApp app = await StartAsync(Settings(), Pem(TestCertificates.Root));
        using TlsClientContext context = new(new TlsClientOptions { TargetHost = "localhost", CertificateChainPolicy = TestCertificates.TrustRoot(), ClientCertificate = TestCertificates.Client });
        var ordinary = SslStreamCertificateContext.Create(TestCertificates.Client, null, offline: true);
        await using RawClient session = await RawClient.ConnectAsync(app.Port, context);
        Assert.Equal("CN=client", await session.GetAsync());
        Assert.Equal("CN=client", await SeenOrdinarilyAsync(app, ordinary));

        // Both clients could otherwise resume TLS sessions that began under the former authorities.
        Replace(app, Pem(s_successor));
        Assert.Null(await SeenInSessionAsync(app, context));
        Assert.Null(await SeenOrdinarilyAsync(app, ordinary));
        Assert.Equal("CN=stranger", await SeenAsync(app, TestCertificates.UntrustedClient));
        Assert.Equal("CN=client", await session.GetAsync());
        Assert.Contains(app.Logs.GetSnapshot(), static r => r.Id.Name == "AuthoritiesReloaded" && r.Message.Contains(Setting, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    [InlineData(null)]
    public async Task A_replacement_that_cannot_be_read_leaves_the_authorities_as_they_were(string? content)
    {
        await using TestApp app = await StartAsync(Settings(), Pem(TestCertificates.Root));
        if (content is null)
        {
            File.Delete(Path.Combine(app.ContentRoot, "ca.pem"));
        }
        else
        {
            Replace(app, content);
        }

        Assert.Equal("CN=client", await SeenAsync(app, TestCertificates.Client));
        Assert.Null(await SeenAsync(app, TestCertificates.UntrustedClient));
        Assert.Contains(Setting, Assert.Single(app.Warnings), StringComparison.Ordinal);

        Replace(app, Pem(s_successor, TestCertificates.Intermediate));
        Assert.Equal("CN=stranger", await SeenAsync(app, TestCertificates.UntrustedClient));
    }

    [Fact]
    public async Task Another_file_in_the_configuration_applies_and_a_removed_setting_keeps_the_former_authorities()
    {
        await using TestApp app = await StartAsync(Settings(), Pem(TestCertificates.Root));
        await File.WriteAllTextAsync(Path.Combine(app.ContentRoot, "other.pem"), Pem(s_successor));
        await SetAsync("other.pem");
        Assert.Equal("CN=stranger", await SeenAsync(app, TestCertificates.UntrustedClient));
        Assert.Null(await SeenAsync(app, TestCertificates.Client));

        await SetAsync(null);
        Assert.Equal("CN=stranger", await SeenAsync(app, TestCertificates.UntrustedClient));
        Assert.Null(await SeenAsync(app, TestCertificates.Client));

        async Task SetAsync(string? path)
        {
            int before = Reloads();
            IConfigurationRoot configuration = app.App.Configuration as IConfigurationRoot ?? throw new InvalidOperationException();
            configuration[Setting] = path;
            configuration.Reload();
            await Wait.UntilAsync(() => Reloads() > before);
        }

        int Reloads() => app.Logs.GetSnapshot().Count(static r => r.Id.Name == "OptionsReloaded");
    }

    // The setting belongs to the operator, so an application that accepts any certificate must not override it.
    [Fact]
    public async Task Code_can_refuse_more_and_accept_no_more()
    {
        await using TestApp app = await StartAsync(Settings(), Pem(TestCertificates.Root), static https =>
            https.ClientCertificateValidation = static (certificate, _, _) => certificate.Thumbprint != TestCertificates.OtherClient.Thumbprint);
        Assert.Equal("CN=client", await SeenAsync(app, TestCertificates.Client));
        Assert.Null(await SeenAsync(app, TestCertificates.OtherClient));
        Assert.Null(await SeenAsync(app, TestCertificates.UntrustedClient));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task CheckCertificateRevocation_is_applied_with_a_file_of_authorities_too(bool check)
    {
        List<X509RevocationMode> seen = [];
        // This authority has no revocation list. With the check, the state of its certificates is unknown, so they are refused.
        await using TestApp app = await StartAsync(Settings(), Pem(TestCertificates.Root), https =>
        {
            https.CheckCertificateRevocation = check;
            https.ClientCertificateValidation = (_, chain, _) =>
            {
                lock (seen)
                {
                    seen.Add(chain!.ChainPolicy.RevocationMode);
                }

                return true;
            };
        });
        Assert.Equal(check ? null : "CN=client", await SeenAsync(app, TestCertificates.Client));
        Assert.Equal(check ? [] : [X509RevocationMode.NoCheck, X509RevocationMode.NoCheck], seen);
    }

    [Theory]
    [InlineData(null, "Authority file '{0}' was not found.")]
    [InlineData("", "'{0}' has no certificate in PEM.")]
    [InlineData("no PEM", "'{0}' has no certificate in PEM.")]
    public async Task A_file_without_authorities_is_an_error_at_start(string? content, string message)
    {
        await using TestApp app = Build(Settings(), content);
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => app.App.StartAsync().Soon());
        string expected = $"{Setting}: {string.Format(System.Globalization.CultureInfo.InvariantCulture, message, Path.Combine(app.ContentRoot, "ca.pem"))}";
        Assert.Equal(expected, error.Message);
        Assert.Contains(expected, Assert.Single(app.Logs.GetSnapshot(), static r => r.Id.Name == "ConfigurationInvalid").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NoCertificate")]
    [InlineData(null)]
    public async Task Without_a_request_for_certificates_the_setting_fails_startup(string? mode)
    {
        Dictionary<string, string?> settings = Settings();
        settings["MtaTls:Endpoints:Public:ClientCertificateMode"] = mode;
        await using TestApp app = Build(settings, Pem(TestCertificates.Root));
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => app.App.StartAsync().Soon());
        Assert.Contains(Setting, error.Message, StringComparison.Ordinal);
        Assert.Contains("ClientCertificateMode", error.Message, StringComparison.Ordinal);
    }
}
