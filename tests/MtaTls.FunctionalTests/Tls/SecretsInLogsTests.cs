using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Tls;

/// <summary>Logs never contain a key of the server or of a session, nor a ticket or session id with which a session can be resumed.</summary>
public sealed class SecretsInLogsTests
{
    [Fact]
    public async Task No_secret_of_a_session_is_logged_at_any_level()
    {
        await using TestApp app = await TestApp.StartAsync(
            static a => a.MapGet("/", () => "hello"), configure: static b => b.Logging.SetMinimumLevel(LogLevel.Trace));
        string keys = Path.Combine(app.ContentRoot, "keys");
        StringBuilder seen = new();
        ILoggerFactory logs = app.Services.GetRequiredService<ILoggerFactory>();

        // Both TLS implementations, both versions, and sessions that succeed and fail.
        foreach (SslProtocols version in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
        {
            string option = version == SslProtocols.Tls12 ? "-tls1_2" : "-tls1_3";
            seen.Append((await Tool.RunAsync("openssl", "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", endsInput: false,
                "s_client", "-connect", $"127.0.0.1:{app.Port}", option, "-keylogfile", keys, "-ign_eof")).Output);
            await using RawClient client = await RawClient.ConnectAsync(app.Port, o => (o.KeyLogFile, o.EnabledSslProtocols) = (keys, version));
            Assert.Equal("hello", await client.GetAsync());
            await using RawClient broken = await RawClient.HandshakeAsync(app.Port, o => (o.KeyLogFile, o.EnabledSslProtocols) = (keys, version));
            broken.Tls.Write("no packet"u8);
            await broken.Tls.FlushAsync();
            await Record.ExceptionAsync(async () =>
            {
                while (await broken.Tls.ReadAsync(new byte[1000]).Soon() > 0)
                {
                }
            });
            using HttpClient http = new(new SocketsHttpHandler().UseMtaTls(new MtaTlsClientOptions
            {
                Host = "localhost",
                Port = app.Port,
                CertificateChainPolicy = TestCertificates.TrustRoot(),
                EnabledSslProtocols = version,
                KeyLogFile = keys,
                LoggerFactory = logs,
            }))
            { Timeout = Wait.Timeout };
            Assert.Equal("hello", await http.GetStringAsync(new Uri($"https://localhost:{app.Port}/")));
        }

        seen.Append((await Tool.RunAsync("openssl", "this is no packet\n", endsInput: false, "s_client", "-connect", $"127.0.0.1:{app.Port}", "-tls1_2", "-serverinfo", "65389", "-ign_eof")).Output);
        List<string> secrets = await SecretsAsync(keys, seen.ToString());
        string[] texts = [.. app.Logs.GetSnapshot().Select(Text)];
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Level <= LogLevel.Debug && r.Category!.StartsWith("MtaTls", StringComparison.Ordinal)));
        Assert.All(secrets, secret => Assert.DoesNotContain(texts, text => Reveals(text, secret)));
    }

    [Theory]
    [InlineData("the key is 00112233445566778899aabbccddeeff0123", true)]
    [InlineData("00-11-22-33-44-55-66-77-88-99-AA-BB-CC-DD-EE-FF", true)]
    [InlineData("[0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255]", true)]
    [InlineData("ABEiM0RVZneImaq7zN3u/w==", true)]
    [InlineData("00112233-4455-6677-8899-bbccddeeff", false)]
    public void The_search_for_secrets_finds_them(string text, bool revealed) => Assert.Equal(revealed, Reveals(text, "00112233445566778899aabbccddeeff"));

    /// <summary>Returns the secrets in hexadecimal: the server's private key, the content of the key logs, and the session ids, tickets and their keys that s_client prints.</summary>
    private static async Task<List<string>> SecretsAsync(string keyLog, string output)
    {
        using ECDsa key = TestCertificates.Server.GetECDsaPrivateKey()!;
        List<string> secrets = [Convert.ToHexStringLower(key.ExportParameters(true).D!)];
        string[] lines = await File.ReadAllLinesAsync(keyLog);
        Assert.Contains(lines, static l => l.StartsWith("CLIENT_RANDOM ", StringComparison.Ordinal));
        Assert.Contains(lines, static l => l.StartsWith("SERVER_TRAFFIC_SECRET_0 ", StringComparison.Ordinal));
        secrets.AddRange(lines.Where(static l => l.Split(' ').Length == 3).Select(static l => l.Split(' ')[2]));
        secrets.AddRange(Regex.Matches(output, "(?:Session-ID|Master-Key|Resumption PSK): ([0-9A-F]{32,})").Select(static m => m.Groups[1].Value.ToLowerInvariant()));
        string[] tickets = [.. Regex.Matches(output, "^ +[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -]){16})", RegexOptions.Multiline)
            .Select(static m => m.Groups[1].Value.Replace(" ", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal))];
        Assert.NotEmpty(tickets);
        secrets.AddRange(tickets);
        return [.. secrets.Where(static s => s.Trim('0').Length > 16).Distinct()];
    }

    private static string Text(FakeLogRecord record)
        => $"{record.Message}\n{string.Join('\n', record.StructuredState?.Select(static p => p.Value) ?? [])}\n{string.Join('\n', record.Scopes)}\n{record.Exception}";

    /// <summary>Whether a text contains the first 16 bytes of a secret: in hexadecimal with any separators, in base64 or as decimal numbers.</summary>
    private static bool Reveals(string text, string secret)
    {
        byte[] octets = Convert.FromHexString(secret)[..16];
        return string.Concat(text.Where(char.IsAsciiLetterOrDigit)).Contains(secret[..32], StringComparison.OrdinalIgnoreCase)
            || text.Contains(Convert.ToBase64String(octets)[..20], StringComparison.Ordinal)
            || string.Concat(text.Where(static c => char.IsAsciiDigit(c) || c == ',')).Contains(string.Join(',', octets), StringComparison.Ordinal);
    }
}
