using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Tls;

/// <summary>
/// The probes of a security scanner with <c>openssl s_client</c>. They go to both TLS implementations on the port: the engine, for clients that offer the extension (s_client does in TLS 1.2), and
/// Kestrel's HTTPS for all others. With TLS 1.3, the engine's own client probes the engine.
/// </summary>
public sealed class OpenSslScanTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    /// <summary>A line with only R makes s_client renegotiate.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Renegotiation_is_refused(bool offered)
    {
        await using TestApp app = await StartAsync();
        (_, string output) = await Tool.RunAsync("openssl", "R\n", endsInput: false, Arguments(app, offered, "-tls1_2"));
        Assert.Contains("RENEGOTIATING", output, StringComparison.Ordinal);
        // The engine sends a warning alert; SslStream closes the connection.
        Assert.Contains(offered ? "no renegotiation" : "unexpected eof", output, StringComparison.Ordinal);
    }

    /// <summary>Draft, section 3: after a fatal error of a channel the session is not resumed, by ticket or by id. (TLS 1.3 with the extension: the peer's case "resumption".)</summary>
    [Fact]
    public async Task A_session_is_resumed_until_a_channel_failed_in_it()
    {
        await using TestApp app = await StartAsync();
        string file = Path.Combine(app.ContentRoot, "session");
        string[] again = Arguments(app, true, "-tls1_2", "-sess_in", file);
        Assert.Contains("New, TLSv1.2", (await Tool.RunAsync("openssl", "Q\n", Arguments(app, true, "-tls1_2", "-sess_out", file))).Output, StringComparison.Ordinal);
        Assert.Contains("Reused, TLSv1.2", (await Tool.RunAsync("openssl", "Q\n", again)).Output, StringComparison.Ordinal);
        Assert.Contains("Reused, TLSv1.2", (await Tool.RunAsync("openssl", "this is no packet\n", endsInput: false, [.. again, "-ign_eof"])).Output, StringComparison.Ordinal);
        Assert.Contains("New, TLSv1.2", (await Tool.RunAsync("openssl", "Q\n", again)).Output, StringComparison.Ordinal);
    }

    /// <summary>Kestrel's HTTPS resumes sessions as usual, and neither implementation accepts early data (0-RTT).</summary>
    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task Ordinary_sessions_are_resumed_without_early_data(string version)
    {
        await using TestApp app = await StartAsync();
        string file = Path.Combine(app.ContentRoot, "session"), early = Path.Combine(app.ContentRoot, "early");
        await File.WriteAllTextAsync(early, Get);
        (_, string output) = await Tool.RunAsync("openssl", Get, endsInput: false, Arguments(app, false, version, "-sess_out", file, "-ign_eof"));
        Assert.Contains("hello", output, StringComparison.Ordinal);
        Assert.DoesNotMatch("Max Early Data: [1-9]", output);
        (_, output) = await Tool.RunAsync("openssl", Get, endsInput: false, Arguments(app, false, version, "-sess_in", file, "-early_data", early, "-ign_eof"));
        Assert.Contains("Reused, TLSv1.", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Early data was accepted", output, StringComparison.Ordinal);
    }

    public static TheoryData<string, bool, string, int> ClientCertificates()
    {
        var data = new TheoryData<string, bool, string, int>();
        foreach ((string version, bool offered) in (ReadOnlySpan<(string, bool)>)[("-tls1_2", false), ("-tls1_2", true), ("-tls1_3", false)])
        {
            data.Add(version, offered, "none", version == "-tls1_3" ? 116 : 40);
            data.Add(version, offered, "stranger", 48);
            data.Add(version, offered, "expired", 45);
            data.Add(version, offered, "forged", 42);
            data.Add(version, offered, "valid", 0);
        }

        return data;
    }

    /// <summary>The engine's alert has the reason: certificate_required or handshake_failure, unknown_ca, certificate_expired, bad_certificate. SslStream closes the connection without an alert.</summary>
    [Theory]
    [MemberData(nameof(ClientCertificates))]
    public async Task Client_certificates(string version, bool offered, string which, int alert)
    {
        await using TestApp app = await StartAsync(RequireCertificate);
        List<string> arguments = [version];
        if (Certificate(which) is { } certificate)
        {
            PemFiles.Write(app.ContentRoot, which, certificate);
            arguments.AddRange("-cert", Path.Combine(app.ContentRoot, $"{which}.pem"), "-key", Path.Combine(app.ContentRoot, $"{which}.key"));
        }

        // In TLS 1.3 the server refuses after the handshake is complete for the client, so only the end of the connection shows it.
        (_, string output) = await Tool.RunAsync("openssl", offered ? "no packet\n" : Get, endsInput: false, Arguments(app, offered, [.. arguments, "-ign_eof"]));
        if (offered)
        {
            Assert.Equal(alert > 0, output.Contains($"SSL alert number {alert}", StringComparison.Ordinal));
        }

        Assert.Equal(alert == 0 && !offered, output.Contains("hello", StringComparison.Ordinal));
        Assert.Equal(alert == 0 && offered, output.Contains("BEGIN SERVERINFO FOR EXTENSION 65389", StringComparison.Ordinal) && !output.Contains("SSL alert number", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("none", TlsAlert.CertificateRequired)]
    [InlineData("stranger", TlsAlert.UnknownCa)]
    [InlineData("expired", TlsAlert.CertificateExpired)]
    [InlineData("forged", TlsAlert.BadCertificate)]
    public async Task Client_certificates_of_the_engine_in_TLS_1_3(string which, TlsAlert alert)
    {
        await using TestApp app = await StartAsync(RequireCertificate);
        await using RawClient client = await RawClient.HandshakeAsync(app.Port, o => (o.EnabledSslProtocols, o.ClientCertificate) = (SslProtocols.Tls13, Certificate(which)));
        IOException failure = await Assert.ThrowsAsync<IOException>(() => client.Tls.ReadAsync(new byte[1]).Soon());
        TlsAlertException received = Assert.IsType<TlsAlertException>(failure.InnerException);
        Assert.Equal((alert, true), (received.Alert, received.IsReceived));
        await using RawClient valid = await RawClient.ConnectAsync(app.Port, o => o.ClientCertificate = TestCertificates.Client);
        Assert.Equal("hello", await valid.GetAsync());
    }

    /// <summary>The client refuses a certificate without its name; the server refuses a name that its selector does not know.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Names_that_do_not_match(bool offered)
    {
        string[] strict = ["-tls1_2", "-servername", "unknown.test", "-verify_hostname", "unknown.test", "-verify_return_error", "-CAfile"];
        await using (TestApp app = await StartAsync())
        {
            string root = Path.Combine(app.ContentRoot, "root.pem");
            await File.WriteAllTextAsync(root, TestCertificates.Root.ExportCertificatePem());
            Assert.Contains("ostname mismatch", (await Tool.RunAsync("openssl", "Q\n", Arguments(app, offered, [.. strict, root]))).Output, StringComparison.Ordinal);
            Assert.Contains("Verify return code: 0 (ok)", (await Tool.RunAsync("openssl", "Q\n", Arguments(app, offered, "-tls1_2", "-verify_hostname", "localhost", "-CAfile", root))).Output, StringComparison.Ordinal);
        }

        await using TestApp selecting = await StartAsync(https => https.ServerCertificateSelector = (_, name) => name == "localhost" ? TestCertificates.Server : null);
        (_, string output) = await Tool.RunAsync("openssl", "Q\n", Arguments(selecting, offered, "-tls1_2", "-servername", "unknown.test"));
        Assert.DoesNotContain("Cipher is ECDHE", output, StringComparison.Ordinal);
        Assert.Equal(offered, output.Contains("SSL alert number 112", StringComparison.Ordinal));
        Assert.Contains("Cipher is ECDHE", (await Tool.RunAsync("openssl", "Q\n", Arguments(selecting, offered, "-tls1_2"))).Output, StringComparison.Ordinal);
    }

    private static Task<TestApp> StartAsync(Action<HttpsConnectionAdapterOptions>? https = null) => TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), https: https);

    private static string[] Arguments(TestApp app, bool offered, params string[] more)
        => ["s_client", "-connect", $"127.0.0.1:{app.Port}", .. more.Contains("-servername") ? [] : new[] { "-servername", "localhost" }, .. offered ? new[] { "-serverinfo", "65389" } : [], .. more];

    private static void RequireCertificate(HttpsConnectionAdapterOptions https)
    {
        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        https.ClientCertificateValidation = static (certificate, chain, _) =>
        {
            chain!.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.CustomTrustStore.Add(TestCertificates.Root);
            return chain.Build(certificate);
        };
    }

    private static X509Certificate2? Certificate(string which) => which switch
    {
        "stranger" => TestCertificates.UntrustedClient,
        "expired" => TestCertificates.ExpiredClient,
        "forged" => Forge(),
        "valid" => TestCertificates.Client,
        _ => null,
    };

    /// <summary>Creates a certificate that names the root as its issuer but is signed by another key.</summary>
    private static X509Certificate2 Forge()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256), other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=forged", key, HashAlgorithmName.SHA256);
        using X509Certificate2 issued = request.Create(
            TestCertificates.Root.SubjectName, X509SignatureGenerator.CreateForECDsa(other), DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30), [1, 2, 3, 4]);
        return issued.CopyWithPrivateKey(key);
    }
}
