using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Certificates by ACME: an ACME client writes the answers to challenges and the certificate as files, and the server needs no restart.</summary>
public sealed class AcmeTests
{
    private const string Name = "gateway.example.test";

    [Fact]
    public async Task Lego_gets_a_certificate_through_the_server_and_renews_it_without_a_restart()
    {
        await using TestApp app = await StartAsync();
        string root = app.ContentRoot;
        await using Pebble pebble = await Pebble.StartAsync(HttpPort(app));
        X509Certificate2 authority = await pebble.GetRootAsync();
        await using RawClient before = await RawClient.ConnectAsync(HttpsPort(app));

        await LegoAsync(root, pebble, "run");
        X509Certificate2 first = await ConnectAsync(app, authority);
        Assert.True(first.MatchesHostname(Name));
        Assert.Contains(await app.LoggedAsync("AcmeChallengeAnswered"), static m => m.Contains("ACME challenge", StringComparison.Ordinal));

        await LegoAsync(root, pebble, "renew", "--days", "99999", "--no-random-sleep");
        X509Certificate2 second = await ConnectAsync(app, authority);
        Assert.NotEqual(first.Thumbprint, second.Thumbprint);
        Assert.Equal(second.Thumbprint, X509CertificateLoader.LoadCertificateFromFile(Path.Combine(root, "acme", "certificates", Name + ".crt")).Thumbprint);

        // Clients without the extension get it too, and open sessions continue.
        Assert.Equal(second.Thumbprint, (await OrdinaryClient.CertificatesAsync(HttpsPort(app)))[0]);
        Assert.Equal("app", await before.GetAsync());
    }

    [Theory]
    [InlineData("GET", "token-_1", 200, "token-_1.hash")]
    [InlineData("HEAD", "token-_1", 200, "")]
    [InlineData("GET", "unknown", 404, "app")]
    [InlineData("GET", "too-long", 404, "app")]
    [InlineData("GET", "..%2f..%2f..%2fsecret", 404, "app")]
    [InlineData("GET", "..%5c..%5csecret", 404, "app")]
    [InlineData("GET", "sub/token", 404, "app")]
    [InlineData("GET", "hidden.txt", 404, "app")]
    [InlineData("GET", "", 404, "app")]
    [InlineData("POST", "token-_1", 404, "app")]
    public async Task Only_tokens_with_a_file_are_answered(string method, string path, int status, string body)
    {
        await using TestApp app = await StartAsync();
        string folder = Path.Combine(app.ContentRoot, "webroot", ".well-known", "acme-challenge");
        Directory.CreateDirectory(Path.Combine(folder, "sub"));
        foreach ((string file, string text) in (ReadOnlySpan<(string, string)>)[("token-_1", "token-_1.hash"), ("too-long", new string('x', 1025)), ("sub/token", "no"), ("hidden.txt", "no"), ("../../../secret", "no")])
        {
            File.WriteAllText(Path.Combine(folder, file), text);
        }

        using HttpClient client = new() { Timeout = Wait.Timeout };
        using HttpRequestMessage request = new(new HttpMethod(method), new Uri($"http://127.0.0.1:{HttpPort(app)}/.well-known/acme-challenge/{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        using HttpResponseMessage response = await client.SendAsync(request);
        Assert.Equal((status, body), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
        if (path == "too-long")
        {
            Assert.Contains("longer than 1024 bytes", Assert.Single(await app.LoggedAsync("AcmeChallengeUnreadable")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_folder_that_does_not_exist_fails_startup()
    {
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => Gateway.StartAsync("""{ "MtaTls": { "AcmeChallenges": { "Path": "nowhere" } } }"""));
        Assert.Contains("MtaTls:AcmeChallenges:Path: the folder '", e.Message, StringComparison.Ordinal);
    }

    private static Task<TestApp> StartAsync() => TestApp.StartBareAsync(
        static builder => builder.WebHost.UseMtaTls(),
        static app => app.Map("{**path}", static (HttpContext context) =>
        {
            context.Response.StatusCode = context.Request.Path.StartsWithSegments("/.well-known", StringComparison.Ordinal) ? 404 : 200;
            return "app";
        }),
        files: static directory =>
        {
            Directory.CreateDirectory(Path.Combine(directory, "webroot"));
            string certificates = Directory.CreateDirectory(Path.Combine(directory, "acme", "certificates")).FullName;

            // The first certificate is temporary, so that the server can start and answer challenges.
            PemFiles.Write(certificates, Name, TestCertificates.Server);
            File.Move(Path.Combine(certificates, Name + ".pem"), Path.Combine(certificates, Name + ".crt"));
            Gateway.Write(directory, $$"""
                { "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:0" } } },
                  "MtaTls": {
                    "AcmeChallenges": { "Path": "webroot" },
                    "Endpoints": { "Public": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "acme/certificates/{{Name}}.crt", "KeyPath": "acme/certificates/{{Name}}.key" } } } } }
                """);
        });

    private static int HttpPort(TestApp app) => Find(app, "http://");

    private static int HttpsPort(TestApp app) => Find(app, "https://");

    private static int Find(TestApp app, string scheme) => BindingAddress.Parse(app.App.Urls.Single(u => u.StartsWith(scheme, StringComparison.Ordinal))).Port;

    /// <summary>Returns the certificate that a client gets that trusts only pebble.</summary>
    private static async Task<X509Certificate2> ConnectAsync(TestApp app, X509Certificate2 authority)
    {
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.Add(authority);
        await using RawClient client = await RawClient.ConnectAsync(HttpsPort(app), tls: o => (o.TargetHost, o.CertificateChainPolicy) = (Name, policy));
        Assert.Equal("app", await client.GetAsync());
        return client.Tls.RemoteCertificate!;
    }

    private static async Task LegoAsync(string root, Pebble pebble, params string[] command)
    {
        string trusted = Path.Combine(root, "pebble-root.pem");
        await File.WriteAllTextAsync(trusted, TestCertificates.Root.ExportCertificatePem());
        ProcessStartInfo start = new(
            "lego",
            ["--accept-tos", "--email", "admin@example.test", "--server", $"https://localhost:{pebble.Port}/dir", "--path", Path.Combine(root, "acme"), "--domains", Name,
             "--http", "--http.webroot", Path.Combine(root, "webroot"), .. command])
        { RedirectStandardError = true, RedirectStandardOutput = true, Environment = { ["LEGO_CA_CERTIFICATES"] = trusted } };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("lego is not installed.");
            throw;
        }

        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
            try
            {
                await process.WaitForExitAsync().Soon();
                Assert.True(process.ExitCode == 0, await output + await error);
            }
            finally
            {
                if (!process.HasExited)
                {
                    process.Kill();
                }
            }
        }
    }
}
