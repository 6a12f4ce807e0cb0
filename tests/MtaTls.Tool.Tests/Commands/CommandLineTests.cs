using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using MtaTls.Tool.Output;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Commands;

/// <summary>The output and the exit code of each command.</summary>
public sealed class CommandLineTests(Gateway gateway) : IClassFixture<Gateway>
{
    [Fact]
    public async Task Probe_tells_what_the_server_speaks()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("probe", gateway.Address, "--cacert", gateway.Authority, "--destination", "web.internal:80", "--json");
        Assert.True(code == ExitCode.Success, output);
        JsonNode json = JsonNode.Parse(output)!;
        Assert.True(json["ok"]!.GetValue<bool>());
        Assert.Equal("TLS 1.3", json["tlsVersion"]!.GetValue<string>());
        Assert.Equal("localhost", json["certificates"]![0]!["names"]![0]!.GetValue<string>());
        Assert.Equal(2, json["certificates"]!.AsArray().Count);
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(gateway.Folder, "server.pem"));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)), json["certificates"]![0]!["sha256"]!.GetValue<string>());
    }

    [Fact]
    public async Task Probe_shows_a_table_to_people()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("probe", gateway.Address, "--cacert", gateway.Authority, "--destination", "web.internal:80");
        Assert.Equal(ExitCode.Success, code);
        Assert.Contains("TLS 1.3", output, StringComparison.Ordinal);
        Assert.Contains("opened in", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public async Task A_pinned_certificate_is_accepted_and_another_is_not()
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(gateway.Folder, "server.pem"));
        string fingerprint = certificate.GetCertHashString(HashAlgorithmName.SHA256);
        (int code, string output) = await RunningProgram.RunMtatlsAsync("probe", gateway.Address, "--fingerprint", fingerprint, "--destination", "web.internal:80");
        Assert.True(code == ExitCode.Success, output);
        (code, output) = await RunningProgram.RunMtatlsAsync("probe", gateway.Address, "--fingerprint", new string('0', 64), "--destination", "web.internal:80");
        Assert.Equal(ExitCode.CertificateRefused, code);
        Assert.Contains(fingerprint, output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task An_untrusted_certificate_has_its_own_exit_code_and_one_line()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("connect", gateway.Address, "web.internal:80");
        Assert.Equal(ExitCode.CertificateRefused, code);
        Assert.Contains("--cacert", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', output);
    }

    [Fact]
    public async Task A_certificate_for_another_name_has_its_own_exit_code()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("connect", gateway.Address, "web.internal:80", "--cacert", gateway.Authority, "--sni", "other.test");
        Assert.Equal(ExitCode.CertificateRefused, code);
        Assert.Contains("localhost", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_without_a_listener_has_its_own_exit_code()
    {
        using Socket bound = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        (int code, string output) = await RunningProgram.RunMtatlsAsync("probe", bound.LocalEndPoint!.ToString()!);
        Assert.Equal(ExitCode.NotReachable, code);
        Assert.DoesNotContain('\n', output);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_has_its_own_exit_code()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("probe", "no-such-host.invalid:443");
        Assert.Equal(ExitCode.NameNotFound, code);
        Assert.Contains("no-such-host.invalid", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_TLS_has_its_own_exit_code()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("probe", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{gateway.WebPort}"));
        Assert.True(code == ExitCode.TlsFailed, output);
    }

    [Fact]
    public async Task A_client_certificate_that_the_gateway_does_not_trust_is_named()
    {
        string folder = await StrangerAsync("stranger");
        (int code, string output) = await RunningProgram.RunMtatlsAsync(
            "probe", gateway.Address, "--cacert", gateway.Authority, "--cert", Path.Combine(folder, "client.pem"), "--key", Path.Combine(folder, "client.key"));
        Assert.True(code == ExitCode.TlsFailed, output);
        Assert.Contains("UnknownCa", output, StringComparison.Ordinal);
        Assert.Contains("--cert", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', output);
    }

    [Fact]
    public async Task A_server_without_the_extension_has_its_own_exit_code()
    {
        // With another code point the gateway itself is an ordinary TLS server.
        (int code, string output) = await RunningProgram.RunMtatlsAsync("probe", gateway.Address, "--cacert", gateway.Authority, "--extension-type", "0xff01", "--json");
        Assert.True(code is ExitCode.NotMultiplexed or ExitCode.Failure, output);
        (code, output) = await RunningProgram.RunMtatlsAsync("connect", gateway.Address, "web.internal:80", "--cacert", gateway.Authority, "--extension-type", "65390");
        Assert.True(code == ExitCode.NotMultiplexed, output);
    }

    [Fact]
    public async Task A_refused_destination_has_its_own_exit_code()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("connect", gateway.Address, "refused.internal:80", "--cacert", gateway.Authority);
        Assert.True(code == ExitCode.ChannelRefused, output);
        Assert.Contains("channel routes", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', output);
    }

    [Fact]
    public async Task A_port_that_is_taken_has_its_own_exit_code()
    {
        using Socket taken = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        int port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        (int code, string output) = await RunningProgram.RunMtatlsAsync("forward", gateway.Address, "--cacert", gateway.Authority, "-D", port.ToString(CultureInfo.InvariantCulture));
        Assert.True(code == ExitCode.CannotListen, output);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("probe")]
    [InlineData("probe", "h:1", "--keepalive", "never")]
    [InlineData("probe", "h:1", "--fingerprint", "12")]
    [InlineData("probe", "h:1", "--proxy", "ftp://x:1")]
    [InlineData("probe", "h:1", "--key", "/dev/null")]
    [InlineData("forward", "h:1")]
    [InlineData("forward", "h:1", "-L", "x")]
    [InlineData("http", "5000")]
    [InlineData("cert", "ca", "--days", "0")]
    [InlineData("bench", "h:1", "--path", "x")]
    public async Task A_wrong_command_line_has_its_own_exit_code(params string[] arguments)
    {
        (int code, _) = await RunningProgram.RunMtatlsAsync(arguments);
        Assert.Equal(ExitCode.Usage, code);
    }

    [Fact]
    public async Task Options_have_defaults_in_the_environment()
    {
        (int code, string output) = await RunningProgram.RunAsync(
            "dotnet",
            [.. RunningProgram.MtatlsCommandLine.Split(' ')[1..], "probe", gateway.Address, "--destination", "web.internal:80"],
            environment: new Dictionary<string, string> { ["MTATLS_CACERT"] = gateway.Authority });
        Assert.True(code == ExitCode.Success, output);
    }

    [Fact]
    public async Task Numbers_and_durations_have_defaults_in_the_environment_too()
    {
        (int code, string output) = await RunningProgram.RunAsync(
            "dotnet",
            [.. RunningProgram.MtatlsCommandLine.Split(' ')[1..], "probe", gateway.Address, "--cacert", gateway.Authority],
            environment: new Dictionary<string, string> { ["MTATLS_EXTENSION_TYPE"] = "0xFF6E" });
        Assert.True(code == ExitCode.NotMultiplexed, output);
    }

    [Theory]
    [InlineData("MTATLS_CONNECT_TIMEOUT", "never")]
    [InlineData("MTATLS_KEEPALIVE", "0s")]
    [InlineData("MTATLS_MAX_RETRY_INTERVAL", "2 days")]
    [InlineData("MTATLS_EXTENSION_TYPE", "65536")]
    public async Task A_wrong_default_in_the_environment_is_named(string name, string value)
    {
        (int code, string output) = await RunningProgram.RunAsync(
            "dotnet",
            [.. RunningProgram.MtatlsCommandLine.Split(' ')[1..], "probe", gateway.Address],
            environment: new Dictionary<string, string> { [name] = value });
        Assert.True(code == ExitCode.Usage, output);
        Assert.Contains($"The environment variable {name} is invalid", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_of_the_environment_may_have_a_key_of_the_command_line()
    {
        // The gateway refuses this certificate, so the client has sent it.
        string folder = await StrangerAsync("environment");
        (int code, string output) = await RunningProgram.RunAsync(
            "dotnet",
            [.. RunningProgram.MtatlsCommandLine.Split(' ')[1..], "probe", gateway.Address, "--cacert", gateway.Authority, "--key", Path.Combine(folder, "client.key")],
            environment: new Dictionary<string, string> { ["MTATLS_CERT"] = Path.Combine(folder, "client.pem") });
        Assert.True(code == ExitCode.TlsFailed, output);
        Assert.Contains("UnknownCa", output, StringComparison.Ordinal);
    }

    /// <summary>Makes a client certificate of an authority that the gateway does not know.</summary>
    private async Task<string> StrangerAsync(string name)
    {
        string folder = Directory.CreateDirectory(Path.Combine(gateway.Folder, name)).FullName;
        foreach (string[] arguments in (string[][])[["ca"], ["client", "agent.test"]])
        {
            (int code, string output) = await RunningProgram.RunMtatlsAsync(["cert", .. arguments, "--output", folder]);
            Assert.True(code == 0, output);
        }

        return folder;
    }

    [Fact]
    public async Task Every_command_fits_a_screen_of_help()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("--help");
        Assert.Equal(ExitCode.Success, code);
        Assert.True(output.Split('\n').Length <= 50, output);
    }

    [Fact]
    public async Task Bench_measures_and_prints_JSON()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("bench", gateway.Address, "--cacert", gateway.Authority, "--path", "/.well-known/none", "--seconds", "1");
        Assert.True(code == ExitCode.Failure, output);
        Assert.Contains("--path", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--trial")]
    [InlineData("--config", "appsettings.json")]
    public async Task Serve_without_a_file_has_no_other_source(params string[] other)
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync(["serve", "--no-config", .. other]);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("--no-config can't be used with --config or --trial.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_without_a_file_takes_its_settings_from_the_environment()
    {
        await using var serve = RunningProgram.Start(
            "dotnet", [.. RunningProgram.MtatlsCommandLine.Split(' ')[1..], "serve", "--no-config", "--socket", Path.Combine(gateway.Folder, "environment.sock")],
            new Dictionary<string, string>
            {
                ["MtaTls__Endpoints__Public__Url"] = "https://127.0.0.1:0",
                ["MtaTls__Endpoints__Public__Certificate__Path"] = "server.pem",
                ["MtaTls__Endpoints__Public__Certificate__KeyPath"] = "server.key",
            },
            gateway.Folder);
        string line = await serve.LineAsync(static line => line.Contains("speaks MTA-TLS", StringComparison.Ordinal));
        Assert.Contains("name: Public", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_reports_every_error_of_its_configuration()
    {
        string file = Path.Combine(gateway.Folder, "wrong.json");
        await File.WriteAllTextAsync(file, """{ "MtaTls": { "Endpoints": { "A": { "Url": "ftp://x" } }, "Limits": { "MaxSessions": -1 } } }""");
        (int code, string output) = await RunningProgram.RunMtatlsAsync("serve", "--config", file, "--socket", Path.Combine(gateway.Folder, "wrong.sock"));
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("MtaTls:Endpoints:A:Url", output, StringComparison.Ordinal);
        Assert.Contains("MtaTls:Limits:MaxSessions", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_leaves_the_management_socket_of_another_process_alone()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("serve", "--config", Path.Combine(gateway.Folder, "appsettings.json"), "--socket", gateway.Socket);
        Assert.True(code == ExitCode.CannotListen, output);
        (code, output) = await RunningProgram.RunMtatlsAsync("agents", "list", "--json", "--socket", gateway.Socket);
        Assert.True(code == ExitCode.Success, output);
    }

    [Fact]
    public async Task Only_the_user_of_the_gateway_may_use_its_management_socket()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(gateway.Socket));
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true } };
        using var http = new HttpClient(handler);
        using HttpResponseMessage response = await http.GetAsync(new Uri($"https://{gateway.Address}/agents"));
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }
}
