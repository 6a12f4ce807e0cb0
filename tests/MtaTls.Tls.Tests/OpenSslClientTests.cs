using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>The server on a real socket with <c>openssl s_client</c>, an independent client.</summary>
public class OpenSslClientTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    private static bool HasOpenSsl { get; } = Find();

    /// <summary>
    /// docs/mta-tls-wire.md, "Negotiation": the empty extension is answered exactly when it was offered. (With -serverinfo, s_client offers it only in TLS 1.2;
    /// <see cref="ExtensionTests"/> tests TLS 1.3.)
    /// </summary>
    [Theory]
    [InlineData("-tls1_2", true, DataMultiplexingMode.Allowed)]
    [InlineData("-tls1_2", false, DataMultiplexingMode.Allowed)]
    [InlineData("-tls1_3", false, DataMultiplexingMode.Allowed)]
    [InlineData("-tls1_2", true, DataMultiplexingMode.Required)]
    [InlineData("-tls1_2", true, DataMultiplexingMode.Disabled)]
    public async Task Extension_is_answered_when_offered(string version, bool offer, DataMultiplexingMode mode)
    {
        Assert.SkipUnless(HasOpenSsl, "openssl is not installed.");
        string output = await RunAsync(o => o.Mode = mode, $"{version} -tlsextdebug {(offer ? "-serverinfo 65389" : "")}");
        bool answered = offer && mode != DataMultiplexingMode.Disabled;
        Assert.Contains($"multiplexing {answered}", output, StringComparison.Ordinal);
        Assert.Equal(answered, output.Contains("(id=65389), len=0", StringComparison.Ordinal));

        // The PEM of the answer: two octets of type, and two of length, which is 0.
        Assert.Equal(answered, output.Contains("/20AAA==", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("-tls1_2", "alert number 40")]
    [InlineData("-tls1_3", "alert number 109")]
    public async Task Mode_required_sends_the_alert_of_the_version(string version, string alert)
    {
        Assert.SkipUnless(HasOpenSsl, "openssl is not installed.");
        Assert.Contains(alert, await RunAsync(o => o.Mode = DataMultiplexingMode.Required, version), StringComparison.Ordinal);
    }

    /// <summary>The defaults are secure, as a security scanner would check.</summary>
    [Theory]
    [InlineData("-tls1", "alert protocol version")]
    [InlineData("-tls1_1", "alert protocol version")]
    [InlineData("-tls1_2 -cipher AES128-GCM-SHA256", "handshake failure")]
    [InlineData("-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", "handshake failure")]
    [InlineData("-tls1_2 -cipher ECDHE-ECDSA-AES256-SHA384", "handshake failure")]
    [InlineData("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256")]
    [InlineData("-tls1_2 -comp", "Compression: NONE")]
    [InlineData("-tls1_2", "Secure Renegotiation IS supported")]
    [InlineData("-tls1_3", "Cipher is TLS_AES_256_GCM_SHA384")]
    public async Task Secure_defaults(string arguments, string expected)
    {
        Assert.SkipUnless(HasOpenSsl, "openssl is not installed.");

        // With security level 0, s_client offers outdated algorithms.
        Assert.Contains(expected, await RunAsync(_ => { }, arguments.Contains("-cipher", StringComparison.Ordinal) ? arguments + ":@SECLEVEL=0" : arguments + " -cipher DEFAULT:@SECLEVEL=0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_stateless_ticket_is_issued_in_tls12()
    {
        Assert.SkipUnless(HasOpenSsl, "openssl is not installed.");
        string output = await RunAsync(_ => { }, "-tls1_2 -serverinfo 65389");
        Assert.DoesNotContain("TLS session ticket:", output, StringComparison.Ordinal);
        Assert.Matches("Session-ID: [0-9A-F]{64}", output);
    }

    /// <summary>A line with R makes s_client ask for renegotiation. The connection goes on after the refusal or ends, but never renegotiates.</summary>
    [Fact]
    public async Task Renegotiation_is_refused()
    {
        Assert.SkipUnless(HasOpenSsl, "openssl is not installed.");
        string output = await RunAsync(_ => { }, "-tls1_2", "R\n");
        Assert.Contains("RENEGOTIATING", output, StringComparison.Ordinal);
        Assert.Contains("no renegotiation", output, StringComparison.Ordinal);
    }

    /// <summary>A line with K causes a KeyUpdate that needs an answer, k one without. The data goes on with the new keys.</summary>
    [Fact]
    public async Task Key_update_is_answered()
    {
        Assert.SkipUnless(HasOpenSsl, "openssl is not installed.");
        string output = await RunAsync(_ => { }, "-tls1_3 -msg", "K\n", "k\n", "K\n");
        Assert.Equal(2, output.Split("<<< TLS 1.3, Handshake [length 0005], KeyUpdate").Length - 1);
        Assert.Equal(3, output.Split(">>> TLS 1.3, Handshake [length 0005], KeyUpdate").Length - 1);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Alpn_and_server_name(SslProtocols version)
    {
        Assert.SkipUnless(HasOpenSsl, "openssl is not installed.");
        string output = await RunAsync(
            o =>
            {
                o.EnabledSslProtocols = version;
                o.ApplicationProtocols = [SslApplicationProtocol.Http11];
                o.ServerCertificateSelector = (_, name) => name == "other.test" ? TestCertificates.OtherServer : TestCertificates.Server;
            },
            "-alpn h2,http/1.1 -servername other.test");
        Assert.Contains("ALPN protocol: http/1.1", output, StringComparison.Ordinal);
        Assert.Contains("CN = other.test", output, StringComparison.Ordinal);
    }

    /// <summary>
    /// Serves one connection: answers the first line with the negotiated parameters and echoes each later line, until the client ends. s_client gets its input
    /// line by line, each after the answer to the previous one.
    /// </summary>
    private static async Task<string> RunAsync(Action<TlsServerOptions> configure, string arguments, params string[] commands)
    {
        using TlsServerContext context = TlsTest.Server(configure: configure);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task server = ServeAsync(listener, context);
        var start = new ProcessStartInfo("openssl", $"s_client -connect 127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port} {(arguments.Contains("-servername", StringComparison.Ordinal) ? "" : "-servername localhost")} {arguments}")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        try
        {
            var output = new StringBuilder();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            await process.StandardInput.WriteAsync("first line\n");
            await process.StandardInput.FlushAsync();
            await ReadUntilAsync(process.StandardOutput, output, "multiplexing");
            foreach (string command in commands)
            {
                // s_client handles a letter as a command only when it reads it alone.
                await process.StandardInput.WriteAsync(command);
                await process.StandardInput.FlushAsync();
                if (command == "R\n")
                {
                    break;
                }

                await ReadUntilAsync(process.StandardOutput, output, ">>> TLS 1.3, Handshake [length 0005], KeyUpdate");
                string echo = $"after {Guid.NewGuid():N}";
                await process.StandardInput.WriteAsync(echo + "\n");
                await process.StandardInput.FlushAsync();
                await ReadUntilAsync(process.StandardOutput, output, "echo " + echo);
            }

            if (commands is not ["R\n"])
            {
                process.StandardInput.Close();
            }

            output.Append(await process.StandardOutput.ReadToEndAsync(TlsTest.Timeout()));
            await process.WaitForExitAsync(TlsTest.Timeout());
            await Record.ExceptionAsync(() => server);
            return output + await errors;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private static async Task ReadUntilAsync(StreamReader reader, StringBuilder output, string text)
    {
        while (await reader.ReadLineAsync(TlsTest.Timeout()) is { } line)
        {
            output.Append(line).Append('\n');
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return;
            }
        }
    }

    private static async Task ServeAsync(TcpListener listener, TlsServerContext context)
    {
        using var pipe = DuplexPipe.Over(await listener.AcceptSocketAsync());
        await using TlsConnection connection = await TlsConnection.AcceptAsync(pipe, context, null, TlsTest.Timeout());
        byte[] buffer = new byte[1000];
        bool first = true;
        for (int count; (count = await connection.ReadAsync(buffer, TlsTest.Timeout())) > 0;)
        {
            await connection.SendAsync(first ? Encoding.ASCII.GetBytes($"multiplexing {connection.DataMultiplexingNegotiated}\n") : [.. "echo "u8, .. buffer.AsSpan(0, count)]);
            first = false;
        }

        await connection.CompleteAsync(TlsTest.Timeout());
    }

    private static bool Find()
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("openssl", "version") { RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
