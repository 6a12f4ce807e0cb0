using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tool.Output;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Programs;

/// <summary>Ordinary programs use the ports of <c>mtatls forward</c>.</summary>
public sealed class ForwardTests(Gateway gateway) : IClassFixture<Gateway>
{
    private const int Length = 3_000_000;

    [Fact]
    public async Task Curl_goes_through_a_local_port()
    {
        await using Forward forward = await StartAsync("-L", "0:web.internal:80");
        await DownloadAsync($"http://{forward.Local}/bytes/{Length}");
    }

    [Theory]
    [InlineData("--socks5-hostname")]
    [InlineData("--proxy")]
    [InlineData("--proxytunnel", "--proxy")]
    public async Task Curl_goes_through_the_proxy_port(params string[] options)
    {
        await using Forward forward = await StartAsync("-D", "0");
        await DownloadAsync($"http://web.internal/bytes/{Length}", [.. options, forward.Local]);
    }

    [Fact]
    public async Task An_HTTP_proxy_request_reaches_the_host_that_it_names_on_a_connection_of_its_own()
    {
        await using Forward forward = await StartAsync("-D", "0");
        (int code, string output) = await RunningProgram.RunAsync("curl", ["-sS", "--proxy", forward.Local, "http://web.internal/host", "http://web.internal/host"]);
        Assert.Equal((0, "web.internal closeweb.internal close"), (code, output));
    }

    [Fact]
    public async Task Each_kind_of_program_gets_an_error_for_a_refused_destination()
    {
        await using Forward forward = await StartAsync("-D", "0");
        (int code, string output) = await RunningProgram.RunAsync("curl", ["-sS", "--socks5-hostname", forward.Local, "http://refused.internal/"]);
        Assert.True(code == 97, output);
        (code, output) = await RunningProgram.RunAsync("curl", ["-sS", "--proxytunnel", "--proxy", forward.Local, "http://refused.internal/"]);
        Assert.Contains("502", output, StringComparison.Ordinal);
        (_, output) = await RunningProgram.RunAsync("curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--proxy", forward.Local, "http://refused.internal/"]);
        Assert.Equal("502", output);
        await forward.Program.LineAsync(static line => line.Contains("refused.internal:80", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("CONNECT a b:1 HTTP/1.1\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("\u0005\u0001\u0002", "\u0005\u00ff")]
    [InlineData("\u0005\u0001\u0000\u0005\u0002\u0000\u0001\u0001\u0001\u0001\u0001\u0000\u0050", "\u0005\u0000\u0005\u0007")]
    [InlineData("\u0005\u0001\u0000\u0005\u0001\u0000\u0003\u0003a b\u0000\u0050", "\u0005\u0000\u0005\u0008")]
    public async Task Invalid_proxy_requests_are_answered_and_closed(string request, string answer)
    {
        await using Forward forward = await StartAsync("-D", "0");
        using Socket socket = await ConnectAsync(forward.Local);
        await socket.SendAsync(System.Text.Encoding.Latin1.GetBytes(request));
        string received = System.Text.Encoding.Latin1.GetString(await ReadAllAsync(socket));
        Assert.StartsWith(answer, received, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_header_without_end_is_refused()
    {
        await using Forward forward = await StartAsync("-D", "0");
        using Socket socket = await ConnectAsync(forward.Local);
        await socket.SendAsync(new byte[32 * 1024].Select(static _ => (byte)'x').ToArray());
        Assert.StartsWith("HTTP/1.1 431", System.Text.Encoding.Latin1.GetString(await ReadAllAsync(socket)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sigterm_lets_a_download_finish_and_a_second_one_ends_it()
    {
        await using Forward forward = await StartAsync("-L", "0:web.internal:80");
        gateway.ResetSlow();
        using var http = new HttpClient();
        using HttpResponseMessage response = await http.GetAsync(new Uri($"http://{forward.Local}/slow"), HttpCompletionOption.ResponseHeadersRead).Soon();
        await gateway.SlowHasBegun.Task.Soon();
        forward.Program.Signal("TERM");
        await forward.Program.LineAsync(static line => line.Contains("stopping", StringComparison.Ordinal));
        // The port is closed, the download continues.
        await Wait.UntilAsync(async () => !await IsOpenAsync(forward.Local));
        gateway.SlowMayEnd.SetResult();
        Assert.Equal(200_000, (await response.Content.ReadAsByteArrayAsync().Soon()).Length);
        http.Dispose();
        Assert.Equal(ExitCode.Success, await forward.Program.ExitAsync());
    }

    [Fact]
    public async Task A_second_signal_ends_what_is_open()
    {
        await using Forward forward = await StartAsync("-L", "0:web.internal:80");
        gateway.ResetSlow();
        using var http = new HttpClient();
        using HttpResponseMessage response = await http.GetAsync(new Uri($"http://{forward.Local}/slow"), HttpCompletionOption.ResponseHeadersRead).Soon();
        await gateway.SlowHasBegun.Task.Soon();
        forward.Program.Signal("TERM");
        await forward.Program.LineAsync(static line => line.Contains("stopping", StringComparison.Ordinal));
        forward.Program.Signal("TERM");
        Assert.Equal(ExitCode.Interrupted, await forward.Program.ExitAsync());
        gateway.SlowMayEnd.SetResult();
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsByteArrayAsync().Soon());
    }

    [Fact]
    public async Task After_a_restart_of_the_gateway_the_forward_works_again()
    {
        await using Forward forward = await StartAsync("-L", "0:web.internal:80");
        await DownloadAsync($"http://{forward.Local}/bytes/1000", 1000);
        await gateway.StopAsync("KILL");
        await gateway.StartAsync();
        await Wait.UntilAsync(async () => (await RunningProgram.RunAsync("curl", ["-sS", "-o", "/dev/null", $"http://{forward.Local}/"])).ExitCode == 0);
        await DownloadAsync($"http://{forward.Local}/bytes/1000", 1000);
    }

    [Fact]
    public async Task The_gateway_is_reached_through_a_proxy()
    {
        // The proxy port of one forward is the proxy of the other, with both schemes.
        await gateway.AddRouteAsync("gateway.internal", gateway.Port);
        await using Forward outer = await StartAsync("-D", "0");
        foreach (string scheme in (string[])["http", "socks5"])
        {
            (int code, string output) = await RunningProgram.RunMtatlsAsync(
                "probe", "gateway.internal:80", "--sni", "localhost", "--cacert", gateway.Authority, "--proxy", $"{scheme}://{outer.Local}", "--destination", "web.internal:80");
            Assert.True(code == ExitCode.Success, output);
            (code, output) = await RunningProgram.RunMtatlsAsync("probe", "refused.internal:80", "--cacert", gateway.Authority, "--proxy", $"{scheme}://{outer.Local}");
            Assert.True(code == ExitCode.NotReachable, output);
            Assert.Contains("proxy", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Redis_cli_goes_through_a_local_port()
    {
        int port = FreePort.Find();
        await using var redis = RunningProgram.Start("redis-server", ["--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        await redis.LineAsync(static line => line.Contains("eady to accept", StringComparison.Ordinal));
        await gateway.AddRouteAsync("redis.internal", port);
        await using Forward forward = await StartAsync("-L", "0:redis.internal:6379");
        string local = forward.Local.Split(':')[1];
        (int code, string output) = await RunningProgram.RunAsync("redis-cli", ["-p", local, "set", "key", "value"]);
        Assert.Equal((0, "OK"), (code, output));
        Assert.Equal((0, "value"), await RunningProgram.RunAsync("redis-cli", ["-p", local, "get", "key"]));
    }

    [Fact]
    public async Task Chromium_goes_through_the_proxy_port()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/chromium"), "chromium is not installed.");
        await using Forward forward = await StartAsync("-D", "0");
        string profile = Path.Combine(gateway.Folder, "chromium");
        (int code, string output) = await RunningProgram.RunAsync(
            "chromium", ["--headless", "--no-sandbox", "--disable-gpu", $"--user-data-dir={profile}", $"--proxy-server=socks5://{forward.Local}", "--dump-dom", "http://web.internal/"]);
        Assert.True(code == 0, output);
        Assert.Contains("Hello from web.internal", output, StringComparison.Ordinal);
    }

    private async Task<Forward> StartAsync(params string[] arguments)
    {
        var program = RunningProgram.Mtatls(["forward", gateway.Address, "--cacert", gateway.Authority, .. arguments]);
        string line = await program.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal));
        return new Forward(program, line.Split(' ')[0]);
    }

    private static Task DownloadAsync(string url, params string[] options) => DownloadAsync(url, Length, options);

    private static async Task DownloadAsync(string url, int length, params string[] options)
    {
        string file = Path.GetTempFileName();
        try
        {
            (int code, string output) = await RunningProgram.RunAsync("curl", ["-sS", "-o", file, .. options, url]);
            Assert.True(code == 0, output);
            byte[] expected = [.. Enumerable.Range(0, length).Select(static i => Gateway.Pattern[i % Gateway.Pattern.Length])];
            Assert.Equal(Convert.ToHexString(SHA256.HashData(expected)), Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(file))));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<Socket> ConnectAsync(string address)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(address)).Soon();
        return socket;
    }

    private static async Task<bool> IsOpenAsync(string address)
    {
        try
        {
            using Socket socket = await ConnectAsync(address);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<byte[]> ReadAllAsync(Socket socket)
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer).Soon() is > 0 and var received)
            {
                all.Write(buffer, 0, received);
            }
        }
        catch (SocketException)
        {
            // A reset is an end too: unread bytes at the other side turn the close into a reset.
        }

        return all.ToArray();
    }

    private sealed record Forward(RunningProgram Program, string Local) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Program.DisposeAsync();
    }
}
