using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using MtaTls.Repository.Tests.Packages;

namespace MtaTls.Repository.Tests.Samples;

/// <summary>The samples, run as processes, as users do.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-samples-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("Client", "localhost", "8443", "--insecur")]
    [InlineData("Client", "localhost", "84430")]
    [InlineData("Client", "localhost", "8443", "/", "0")]
    [InlineData("ConnectProxy", "localhost", "8443", "3128", "--terminate")]
    [InlineData("ConnectProxy", "localhost", "8443", "3128", "--certificate", "a.pfx")]
    [InlineData("Quickstart", "--chanels", "1")]
    [InlineData("Quickstart", "--channels", "0")]
    [InlineData("Quickstart", "--rounds", "x")]
    [InlineData("Client", "localhost", "8443", "/", "x")]
    [InlineData("Gateway", "--server")]
    [InlineData("ReverseTunnel", "--slow")]
    [InlineData("Cluster", "--slow")]
    public async Task A_wrong_command_line_is_an_error_that_tells_the_usage(string sample, params string[] arguments)
    {
        (int exitCode, string output, string errors) = await RunAsync(sample, arguments);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("Usage:", output, StringComparison.Ordinal);
        Assert.NotEqual("", errors.Trim());
        AssertNoStackTrace(errors);
    }

    [Fact]
    public async Task The_first_command_of_the_README_shows_its_table()
    {
        (int exitCode, string output, string errors) = await RunAsync("Quickstart", []);
        Assert.True(exitCode == 0, output + errors);
        Assert.Matches(@"│ channels +│ +200 │", output);
    }

    [Fact]
    public async Task Agents_that_open_no_port_are_restarted_and_killed_without_a_failed_request()
    {
        (int exitCode, string output, string errors) = await RunAsync("ReverseTunnel", ["--quick"]);
        Assert.True(exitCode == 0, output + errors);
        foreach (string row in (string[])["failed", "repeated POSTs", "lost POSTs", "ports opened by agents"])
        {
            Assert.Matches($@"│ {row} +│ +0 │", output);
        }

        Assert.DoesNotMatch(@"│ ports opened by the gateway +│ +0 │", output);
    }

    [Theory]
    [InlineData("--quick")]
    [InlineData("--quick", "--garnet")]
    public async Task A_gateway_is_killed_and_another_drained_while_requests_go_on(params string[] arguments)
    {
        (int exitCode, string output, string errors) = await RunAsync("Cluster", arguments);
        Assert.True(exitCode == 0, output + errors);
        Assert.Matches(@"Failed by the drain +0\b", output);
    }

    [Theory]
    [InlineData("Client")]
    [InlineData("ConnectProxy", "0")]
    public async Task A_gateway_that_is_down_is_named_without_a_stack_trace(string sample, params string[] more)
    {
        using var closed = new Socket(SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        int port = ((IPEndPoint)closed.LocalEndPoint!).Port;
        (int exitCode, string _, string errors) = await RunAsync(sample, ["localhost", $"{port}", .. more]);
        Assert.Equal(1, exitCode);
        Assert.Contains($"localhost:{port}", errors, StringComparison.Ordinal);
        AssertNoStackTrace(errors);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_wrong_certificate_of_the_proxy_is_named_without_a_stack_trace(bool exists)
    {
        string file = Path.Combine(_folder.FullName, "site.pem");
        if (exists)
        {
            await File.WriteAllTextAsync(file, "not a certificate");
        }

        (int exitCode, string _, string errors) = await RunAsync("ConnectProxy", ["localhost", "1", "0", "--terminate-tls", "--certificate", file]);
        Assert.Equal(1, exitCode);
        Assert.Contains(file, errors, StringComparison.Ordinal);
        AssertNoStackTrace(errors);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_proxys_authority_can_be_exported_and_its_certificate_given(bool given)
    {
        string pem = Path.Combine(_folder.FullName, "server.pem"), key = Path.Combine(_folder.FullName, "server.key"), exported = Path.Combine(_folder.FullName, "authority.pem");
        await WriteCertificateAsync(pem, key);
        using Process server = Start("Server", [], new Dictionary<string, string>
        {
            ["MtaTls__Endpoints__Public__Url"] = "https://127.0.0.1:0",
            ["MtaTls__Endpoints__Public__Certificate__Path"] = pem,
            ["MtaTls__Endpoints__Public__Certificate__KeyPath"] = key,
            ["Logging__LogLevel__Microsoft.AspNetCore"] = "Information",
            ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information",
        });
        try
        {
            string gateway = await ReadUntilAsync(server, @"Now listening on: https://127\.0\.0\.1:(\d+)");
            string[] how = given ? ["--certificate", pem, "--key", key] : ["--export-authority", exported];
            using Process proxy = Start("ConnectProxy", ["localhost", gateway, "0", "--authority", pem, "--terminate-tls", .. how]);
            try
            {
                string port = await ReadUntilAsync(proxy, @"Listening on 127\.0\.0\.1:(\d+)");
                var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                trust.CustomTrustStore.ImportFromPemFile(given ? pem : exported);
                using var http = new HttpClient(new SocketsHttpHandler { Proxy = new WebProxy($"http://127.0.0.1:{port}"), SslOptions = { CertificateChainPolicy = trust } });
                Assert.Contains("\"channelId\":", await http.GetStringAsync(new Uri($"https://localhost:{gateway}/channel")), StringComparison.Ordinal);
            }
            finally
            {
                proxy.Kill(entireProcessTree: true);
            }
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }
    }

    private static async Task WriteCertificateAsync(string pem, string key)
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", ecdsa, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(7));
        await File.WriteAllTextAsync(pem, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(key, ecdsa.ExportPkcs8PrivateKeyPem());
    }

    private static async Task<string> ReadUntilAsync(Process process, string pattern)
    {
        using var hang = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        var lines = new List<string>();
        while (await process.StandardOutput.ReadLineAsync(hang.Token) is { } line)
        {
            lines.Add(line);
            if (Regex.Match(line, pattern) is { Success: true } match)
            {
                return match.Groups[1].Value;
            }
        }

        throw new InvalidOperationException(string.Join('\n', lines) + await process.StandardError.ReadToEndAsync(hang.Token));
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string sample, string[] arguments)
    {
        using Process process = Start(sample, arguments);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(10));
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static Process Start(string sample, string[] arguments, Dictionary<string, string>? environment = null)
    {
        string folder = Path.Combine(Repository.Root, "samples", sample);
        return Command.Start(folder, "dotnet", ["exec", Path.Combine(folder, "bin", Repository.Configuration, "net10.0", sample + ".dll"), .. arguments], environment);
    }

    private static void AssertNoStackTrace(string errors)
    {
        Assert.DoesNotContain("Unhandled exception", errors, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }
}
