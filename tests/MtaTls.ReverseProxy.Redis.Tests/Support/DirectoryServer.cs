using System.Diagnostics;
using Garnet;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>What speaks Redis' protocol: the real server as a process, or Garnet in this one. It is stopped and started on its port.</summary>
public abstract class DirectoryServer : IAsyncDisposable
{
    public int Port { get; } = FreePort.Find();

    public string ConnectionString => $"127.0.0.1:{Port}";

    public abstract Task StartAsync();

    /// <summary>Ends it at once; what it knew is lost.</summary>
    public abstract Task KillAsync();

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A command, as an operator gives it.</summary>
    public async Task<RedisResult> CommandAsync(string command, params object[] arguments)
    {
        await using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(ConnectionString + ",allowAdmin=true");
        return await redis.GetDatabase().ExecuteAsync(command, arguments);
    }
}

/// <summary>redis-server, or Valkey's.</summary>
public sealed class RedisServer : DirectoryServer
{
    private Process? _process;

    public int Id => _process!.Id;

    public static async Task<RedisServer> StartNewAsync(params string[] arguments)
    {
        RedisServer server = new() { Arguments = arguments };
        await server.StartAsync();
        return server;
    }

    private string[] Arguments { get; init; } = [];

    public override async Task StartAsync()
    {
        ProcessStartInfo start = new("redis-server", ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", .. Arguments])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("redis-server is not installed.");
            throw;
        }

        while (await _process.StandardOutput.ReadLineAsync().Soon() is { } line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
            {
                _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                return;
            }
        }

        throw new InvalidOperationException("redis-server did not start.");
    }

    /// <summary>A server that hangs, until SIGCONT.</summary>
    public Task SignalAsync(string signal) => Tool.RunAsync("kill", "", $"-{signal}", $"{Id}");

    public override async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync().Soon();
            process.Dispose();
        }
    }
}

/// <summary>Microsoft.Garnet in this process, where there is no server.</summary>
public sealed class GarnetInProcess : DirectoryServer
{
    private GarnetServer? _server;

    public static async Task<GarnetInProcess> StartNewAsync()
    {
        GarnetInProcess server = new();
        await server.StartAsync();
        return server;
    }

    public override Task StartAsync()
    {
        _server = new GarnetServer(["--bind", "127.0.0.1", "--port", $"{Port}", "--memory", "64m", "--page", "1m", "--segment", "16m", "--index", "4m", "-q"]);
        _server.Start();
        return Task.CompletedTask;
    }

    public override Task KillAsync()
    {
        _server?.Dispose(deleteDir: false);
        _server = null;
        return Task.CompletedTask;
    }
}
