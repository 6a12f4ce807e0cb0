using System.Security.Cryptography.X509Certificates;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>curl and openssl as clients: the same port serves all clients.</summary>
public sealed class CurlAndOpenSslTests
{
    private static Task<TestApp> StartAsync(DataMultiplexingMode mode = DataMultiplexingMode.Allowed, ushort extensionType = 65389) => TestApp.StartAsync(
        a =>
        {
            a.MapGet("/", (HttpContext c) => $"{c.Request.Protocol} {c.Features.Get<MtaTls.AspNetCore.IMtaTlsSessionFeature>() is null}");
            a.MapPost("/length", async (HttpContext c) =>
            {
                long length = 0;
                byte[] buffer = new byte[65536];
                for (int count; (count = await c.Request.Body.ReadAsync(buffer)) > 0;)
                {
                    length += count;
                }

                return length;
            });
        },
        o => (o.EndpointDefaults.Mode, o.ExtensionType) = (mode, extensionType));

    private static async Task<(int ExitCode, string Output)> CurlAsync(TestApp app, params string[] arguments)
    {
        string root = Path.Combine(app.ContentRoot, "root.pem");
        await File.WriteAllTextAsync(root, TestCertificates.Root.ExportCertificatePem());
        return await Tool.RunAsync("curl", "", ["-sS", "--cacert", root, "--resolve", $"localhost:{app.Port}:127.0.0.1", .. arguments]);
    }

    [Theory]
    [InlineData("--http1.1", "--tls-max 1.2", "HTTP/1.1")]
    [InlineData("--http1.1", "--tlsv1.3", "HTTP/1.1")]
    [InlineData("--http2", "--tls-max 1.2", "HTTP/2")]
    [InlineData("--http2", "--tlsv1.3", "HTTP/2")]
    public async Task Curl_gets_ordinary_HTTPS_on_the_same_port(string http, string tls, string protocol)
    {
        await using TestApp app = await StartAsync();
        (int exitCode, string output) = await CurlAsync(app, [http, .. tls.Split(' '), $"https://localhost:{app.Port}/"]);
        Assert.Equal((0, $"{protocol} True"), (exitCode, output));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("HTTP/1.1 False", await client.GetAsync());
    }

    [Fact]
    public async Task Curl_uploads_over_ordinary_HTTPS()
    {
        await using TestApp app = await StartAsync();
        string file = Path.Combine(app.ContentRoot, "upload");
        await File.WriteAllBytesAsync(file, new byte[5_000_000]);
        Assert.Equal((0, "5000000"), await CurlAsync(app, "--data-binary", $"@{file}", $"https://localhost:{app.Port}/length"));
    }

    // draft-badra-tls-multiplexing-01, section 2.1: TLS 1.2 in the ServerHello. (s_client asks for no TLS 1.3 extension this way.)
    [Theory]
    [InlineData(DataMultiplexingMode.Allowed, 65389, 65389, true)]
    [InlineData(DataMultiplexingMode.Required, 65389, 65389, true)]
    [InlineData(DataMultiplexingMode.Disabled, 65389, 65389, false)]
    [InlineData(DataMultiplexingMode.Allowed, 65389, 65400, false)]
    [InlineData(DataMultiplexingMode.Allowed, 65400, 65400, true)]
    public async Task S_client_sees_the_empty_extension_exactly_when_it_is_on(DataMultiplexingMode mode, int extensionType, int offered, bool answered)
    {
        await using TestApp app = await StartAsync(mode, (ushort)extensionType);
        (_, string output) = await Tool.RunAsync("openssl", "Q\n", "s_client", "-tls1_2", "-connect", $"127.0.0.1:{app.Port}", "-serverinfo", $"{offered}");
        Assert.Contains("Cipher is ECDHE", output, StringComparison.Ordinal);
        Assert.Equal(answered, output.Contains($"-----BEGIN SERVERINFO FOR EXTENSION {offered}-----", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("-tls1_2", "alert number 40")]
    [InlineData("-tls1_3", "alert number 109")]
    public async Task If_MTA_TLS_is_required_a_client_without_the_extension_gets_an_alert(string version, string alert)
    {
        await using TestApp app = await StartAsync(DataMultiplexingMode.Required);
        (_, string output) = await Tool.RunAsync("openssl", "Q\n", "s_client", version, "-connect", $"127.0.0.1:{app.Port}");
        Assert.Contains(alert, output, StringComparison.Ordinal);
        Assert.NotEqual(0, (await CurlAsync(app, $"https://localhost:{app.Port}/")).ExitCode);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("HTTP/1.1 False", await client.GetAsync());
    }

    [Theory]
    [InlineData("-tls1")]
    [InlineData("-tls1_1")]
    public async Task TLS_below_1_2_is_never_negotiated(string version)
    {
        await using TestApp app = await StartAsync();
        (_, string output) = await Tool.RunAsync("openssl", "Q\n", "s_client", version, "-cipher", "DEFAULT:@SECLEVEL=0", "-connect", $"127.0.0.1:{app.Port}", "-serverinfo", "65389");
        Assert.DoesNotContain("Cipher is ECDHE", output, StringComparison.Ordinal);
        Assert.DoesNotContain("BEGIN SERVERINFO", output, StringComparison.Ordinal);
    }

    // Kestrel answers bytes that are not TLS, with its own message.
    [Fact]
    public async Task Plain_HTTP_on_the_port_is_answered_as_Kestrel_does()
    {
        await using TestApp app = await StartAsync();
        (int exitCode, _) = await CurlAsync(app, $"http://localhost:{app.Port}/");
        Assert.NotEqual(0, exitCode);
        Assert.Equal("HTTP/1.1 True", await OrdinaryClient.GetAsync(app.Port));
    }
}
