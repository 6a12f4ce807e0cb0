using System.Diagnostics;
using System.Text;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>Redis behind a Tcp route.</summary>
public class RedisTests
{
    [Fact]
    public async Task Redis_is_reached_by_name_over_a_channel()
    {
        using Redis redis = await StartAsync();
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Channels": [ { "Hosts": [ "redis.internal" ], "Ports": [ "6379" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{redis.Port}}", "AllowAnonymous": true } ] } }
            """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal("app", await client.GetAsync());
        await using HttpChannel channel = await client.OpenAsync("redis.internal", 6379);

        async Task<string> AskAsync(string command, string answer)
        {
            await channel.SendAsync(command);
            return Encoding.ASCII.GetString(await channel.ReadAsync(answer.Length));
        }

        Assert.Equal("+PONG\r\n", await AskAsync("PING\r\n", "+PONG\r\n"));
        Assert.Equal("+OK\r\n", await AskAsync("SET greeting hello\r\n", "+OK\r\n"));
        Assert.Equal("$5\r\nhello\r\n", await AskAsync("GET greeting\r\n", "$5\r\nhello\r\n"));

        // A value of a megabyte in both directions.
        string value = new string('v', 1_000_000);
        Assert.Equal("+OK\r\n", await AskAsync($"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${value.Length}\r\n{value}\r\n", "+OK\r\n"));
        Assert.Equal($":{value.Length}\r\n", await AskAsync("STRLEN big\r\n", $":{value.Length}\r\n"));

        // Redis closes the connection after QUIT, and the channel closes too.
        await channel.SendAsync("QUIT\r\n");
        Assert.Equal("+OK\r\n", await channel.ReadToEndAsync());
    }

    internal static async Task<Redis> StartAsync()
    {
        int port = FreePort.Find();
        var start = new ProcessStartInfo("redis-server") { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() };
        foreach (string argument in (string[])["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        {
            start.ArgumentList.Add(argument);
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("redis-server is not installed.");
            throw;
        }

        var redis = new Redis(process, port);
        while (await process.StandardOutput.ReadLineAsync().Soon() is { } line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
            {
                return redis;
            }
        }

        redis.Dispose();
        throw new InvalidOperationException("redis-server did not start.");
    }

    internal sealed class Redis(Process process, int port) : IDisposable
    {
        public int Port => port;

        public void Dispose()
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
