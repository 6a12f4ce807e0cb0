using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tool.Output;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Programs;

/// <summary>Local servers that are published at the gateway: <c>mtatls http</c>, <c>tcp</c> and <c>forward -R</c>.</summary>
public sealed class PublishTests(Gateway gateway) : IClassFixture<Gateway>
{
    private string WebPort => gateway.WebPort.ToString(CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_local_web_server_has_a_public_address()
    {
        await using RunningProgram http = Mtatls("http", WebPort, "--name", "app1.agents.internal", "--gateway", gateway.Address);
        string line = await http.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal));
        string url = line.Split(' ')[0];
        Assert.Equal($"https://app1.agents.test:{gateway.Port}/", url);
        Assert.Contains("Hello from web.internal", await GetAsync(url), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trial_gateway_needs_no_files_and_prints_the_command_that_publishes_a_server()
    {
        int port = FreePort.Find();
        string socket = Path.Combine(gateway.Folder, "trial.sock");
        await using var serve = RunningProgram.Mtatls("serve", "--trial", "--port", port.ToString(CultureInfo.InvariantCulture), "--socket", socket);
        string command = await serve.LineAsync(static line => line.Contains("mtatls http 5000", StringComparison.Ordinal));
        await using var http = RunningProgram.Mtatls([.. command.Replace("5000", WebPort, StringComparison.Ordinal).Trim().Split(' ')[1..], "--connect-timeout", "120s"]);
        string url = (await http.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal))).Split(' ')[0];
        Assert.Equal($"https://app1.localhost:{port}/", url);
        (int code, string output) = await RunningProgram.RunAsync("curl", ["-sSk", "--resolve", $"app1.localhost:{port}:127.0.0.1", url]);
        Assert.True(code == 0, output);
        Assert.Contains("Hello from web.internal", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_local_TCP_server_is_reached_through_the_gateway()
    {
        await using RunningProgram tcp = Mtatls("tcp", WebPort, "--name", "tcp1.agents.internal", "--gateway", gateway.Address);
        string line = await tcp.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal));
        Assert.Contains($"tcp1.agents.internal:{WebPort} at", line, StringComparison.Ordinal);
        (int code, string output) = await RunningProgram.RunAsync(
            "dotnet", [.. RunningProgram.MtatlsCommandLine.Split(' ')[1..], "connect", gateway.Address, $"tcp1.agents.internal:{WebPort}", "--cacert", gateway.Authority], "GET / HTTP/1.0\r\n\r\n");
        Assert.True(code == 0, output);
        Assert.Contains("Hello from web.internal", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("http")]
    [InlineData("forward")]
    public async Task A_local_server_that_does_not_run_is_named_without_verbose(string command)
    {
        string name = $"{command}-down.agents.internal", port = FreePort.Find().ToString(CultureInfo.InvariantCulture);
        await using RunningProgram program = command == "forward"
            ? Mtatls("forward", gateway.Address, "-R", $"{name}:80={port}")
            : Mtatls(command, port, "--name", $"{name}:80", "--gateway", gateway.Address);
        await program.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal));

        (int code, string output) = await RunningProgram.RunMtatlsAsync("connect", gateway.Address, $"{name}:80", "--cacert", gateway.Authority);

        Assert.True(code == ExitCode.ChannelRefused, output);
        string warning = await program.LineAsync(line => line.Contains($"warning: The upstream 127.0.0.1:{port} of '{name}", StringComparison.Ordinal));
        Assert.Contains("could not be reached", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forward_publishes_beside_its_local_ports()
    {
        await using RunningProgram forward = Mtatls("forward", gateway.Address, "-R", $"app2.agents.internal:80={WebPort}", "-L", "0:app2.agents.internal:80");
        string line = await forward.LineAsync(static line => line.Contains("app2.agents.internal:80 through", StringComparison.Ordinal));
        (int code, string output) = await RunningProgram.RunAsync("curl", ["-sS", $"http://{line.Split(' ')[0]}/"]);
        Assert.True(code == 0, output);
        Assert.Contains("Hello from web.internal", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_not_allowed_has_its_own_exit_code()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("http", WebPort, "--name", "stolen.example", "--gateway", gateway.Address, "--cacert", gateway.Authority);
        Assert.True(code == ExitCode.RegistrationRefused, output);
        Assert.Contains("stolen.example", output, StringComparison.Ordinal);
        // If one of two names is refused, nothing is published.
        (code, output) = await RunningProgram.RunMtatlsAsync(
            "forward", gateway.Address, "--cacert", gateway.Authority, "-R", $"good.agents.internal:80={WebPort}", "-R", $"stolen.example:80={WebPort}");
        Assert.True(code == ExitCode.RegistrationRefused, output);
    }

    [Fact]
    public async Task A_gateway_that_is_not_there_has_its_own_exit_code()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("http", WebPort, "--gateway", $"127.0.0.1:{FreePort.Find()}");
        Assert.True(code == ExitCode.NotReachable, output);
        (code, output) = await RunningProgram.RunMtatlsAsync("http", WebPort, "--gateway", gateway.Address);
        Assert.True(code == ExitCode.CertificateRefused, output);
    }

    [Fact]
    public async Task Sigterm_lets_a_response_finish()
    {
        await using RunningProgram http = Mtatls("http", WebPort, "--name", "slow.agents.internal", "--gateway", gateway.Address);
        string url = (await http.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal))).Split(' ')[0];
        gateway.ResetSlow();
        using HttpClient client = Client();
        using HttpResponseMessage response = await client.GetAsync(new Uri($"{url}slow"), HttpCompletionOption.ResponseHeadersRead).Soon();
        await gateway.SlowHasBegun.Task.Soon();
        http.Signal("TERM");
        await http.LineAsync(static line => line.Contains("stopping", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => (await AgentsAsync()).All(static a => !a!["names"]!.ToJsonString().Contains("slow.", StringComparison.Ordinal) || a["isDraining"]!.GetValue<bool>()));
        gateway.SlowMayEnd.SetResult();
        Assert.Equal(200_000, (await response.Content.ReadAsByteArrayAsync().Soon()).Length);
        Assert.Equal(ExitCode.Success, await http.ExitAsync());
    }

    [Fact]
    public async Task Agents_are_listed_drained_and_ended()
    {
        await using RunningProgram http = Mtatls("http", WebPort, "--name", "listed.agents.internal", "--gateway", gateway.Address);
        await http.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => (await MineAsync()).Length == 2);
        (int code, string table) = await RunningProgram.RunMtatlsAsync("agents", "list", "--socket", gateway.Socket);
        Assert.Equal(0, code);
        Assert.Contains("serving", table, StringComparison.Ordinal);

        string[] before = [.. (await MineAsync()).Select(static a => a["id"]!.GetValue<string>())];
        (code, string output) = await RunningProgram.RunMtatlsAsync("agents", "drain", before[0], "--deadline", "1", "--socket", gateway.Socket);
        Assert.True(code == 0, output);
        // The agent registers again and leaves the drained registration.
        await Wait.UntilAsync(async () => await MineAsync() is { Length: 2 } now && now.All(a => a["id"]!.GetValue<string>() != before[0]));
        (code, output) = await RunningProgram.RunMtatlsAsync("agents", "end", before[1], "--socket", gateway.Socket);
        Assert.True(code == 0, output);
        await Wait.UntilAsync(async () => await MineAsync() is { Length: 2 } now && now.All(a => a["id"]!.GetValue<string>() != before[1]));
        (code, _) = await RunningProgram.RunMtatlsAsync("agents", "drain", "nobody", "--socket", gateway.Socket);
        Assert.Equal(ExitCode.Failure, code);

        async Task<JsonNode[]> MineAsync() => [.. (await AgentsAsync()).OfType<JsonNode>().Where(static a => a["names"]!.ToJsonString().Contains("listed.", StringComparison.Ordinal))];
    }

    private async Task<JsonArray> AgentsAsync()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("agents", "list", "--json", "--socket", gateway.Socket);
        Assert.True(code == 0, output);
        return JsonNode.Parse(output)!.AsArray();
    }

    private RunningProgram Mtatls(params string[] arguments) => RunningProgram.Mtatls([.. arguments, "--cacert", gateway.Authority]);

    private async Task<string> GetAsync(string url)
    {
        using HttpClient client = Client();
        return await client.GetStringAsync(new Uri(url)).Soon();
    }

    /// <summary>A public client that resolves every name to the gateway.</summary>
    private HttpClient Client() => new(new SocketsHttpHandler
    {
        SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, gateway.Port, cancellationToken);
            return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
        },
    });
}
