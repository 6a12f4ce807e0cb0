using System.Globalization;
using System.Text.Json.Nodes;
using MtaTls.Tool.Output;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Programs;

/// <summary><c>mtatls serve</c> trusts an authority of <c>mtatls cert ca</c>, which is in no store of the machine.</summary>
public sealed class ClientAuthorityTests(Gateway gateway) : IClassFixture<Gateway>
{
    private string WebPort => gateway.WebPort.ToString(CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_certificate_of_that_authority_meets_rules_and_routes_that_need_one()
    {
        string[] certificate = Certificate(gateway.Folder);
        await using var agent = RunningProgram.Mtatls(
            ["tcp", WebPort, "--name", "tcp1.certified.internal", "--gateway", gateway.Address, "--cacert", gateway.Authority, .. certificate]);
        await agent.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal));
        string[] connect = ["connect", gateway.Address, $"tcp1.certified.internal:{WebPort}", "--cacert", gateway.Authority];
        (int code, string output) = await ConnectAsync([.. connect, .. certificate]);
        Assert.True(code == 0, output);
        Assert.Contains("Hello from web.internal", output, StringComparison.Ordinal);

        // Without a certificate the route does not match this client, and the next one rejects the channel.
        (code, output) = await ConnectAsync(connect);
        Assert.True(code == ExitCode.ChannelRefused, output);
        Assert.DoesNotContain("Hello", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forward_publishes_only_with_such_a_certificate()
    {
        string[] publish = ["forward", gateway.Address, "--cacert", gateway.Authority, "-R", $"app1.certified.internal:80={WebPort}"];
        (int code, string output) = await RunningProgram.RunMtatlsAsync(publish);
        Assert.True(code == ExitCode.RegistrationRefused, output);

        await using var forward = RunningProgram.Mtatls([.. publish, "-L", "0:app1.certified.internal:80", .. Certificate(gateway.Folder)]);
        string line = await forward.LineAsync(static line => line.Contains("app1.certified.internal:80 through", StringComparison.Ordinal));
        (code, output) = await RunningProgram.RunAsync("curl", ["-sS", $"http://{line.Split(' ')[0]}/"]);
        Assert.True(code == 0, output);
        Assert.Contains("Hello from web.internal", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_of_another_authority_ends_the_handshake()
    {
        string folder = Directory.CreateDirectory(Path.Combine(gateway.Folder, "other")).FullName;
        await MakeAsync(folder, "ca");
        await MakeAsync(folder, "client", "agent.test");
        (int code, string output) = await RunningProgram.RunMtatlsAsync(
            ["tcp", WebPort, "--name", "tcp2.certified.internal", "--gateway", gateway.Address, "--cacert", gateway.Authority, .. Certificate(folder)]);
        Assert.True(code == ExitCode.TlsFailed, output);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Serve_does_not_start_without_an_authority_in_the_file(bool exists)
    {
        string path = Path.Combine(gateway.Folder, exists ? "empty.pem" : "missing.pem");
        if (exists)
        {
            await File.WriteAllTextAsync(path, "");
        }

        JsonNode configuration = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(gateway.Folder, "appsettings.json")))!;
        JsonNode endpoint = configuration["MtaTls"]!["Endpoints"]!["Public"]!;
        endpoint["Url"] = "https://127.0.0.1:0";
        endpoint["ClientCertificateAuthorityPath"] = Path.GetFileName(path);
        string file = Path.Combine(gateway.Folder, $"wrong-{exists}.json");
        await File.WriteAllTextAsync(file, configuration.ToJsonString());
        (int code, string output) = await RunningProgram.RunMtatlsAsync("serve", "--config", file, "--socket", Path.Combine(gateway.Folder, $"wrong-{exists}.sock"));
        Assert.True(code == ExitCode.Usage, output);
        Assert.Contains("MtaTls:Endpoints:Public:ClientCertificateAuthorityPath", output, StringComparison.Ordinal);
        Assert.Contains(path, output, StringComparison.Ordinal);
    }

    private static string[] Certificate(string folder) => ["--cert", Path.Combine(folder, "client.pem"), "--key", Path.Combine(folder, "client.key")];

    private static async Task MakeAsync(string folder, params string[] arguments)
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync(["cert", .. arguments, "--output", folder]);
        Assert.True(code == 0, output);
    }

    private static Task<(int Code, string Output)> ConnectAsync(string[] arguments)
        => RunningProgram.RunAsync("dotnet", [.. RunningProgram.MtatlsCommandLine.Split(' ')[1..], .. arguments], "GET / HTTP/1.0\r\n\r\n");
}
