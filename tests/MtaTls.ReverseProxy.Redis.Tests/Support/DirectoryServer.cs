using System.Diagnostics;
using Garnet;
using MtaTls.FunctionalTests.Support;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>A server with Redis' protocol: the real one as a process, or Garnet in this process. It can be stopped and started again on its port.</summary>
public abstract class DirectoryServer : IAsyncDisposable
{
    public int Port { get; } = FreePort.Find();

    public string Address { get; protected init; } = "127.0.0.1";

    public string ConnectionString => $"{Address}:{Port}";

    public abstract Task StartAsync();

    /// <summary>Ends the server at once. Its data are lost.</summary>
    public abstract Task KillAsync();

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Sends a command, as an operator would.</summary>
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

    /// <summary>Starts it on an address of a network namespace.</summary>
    public static async Task<RedisServer> StartInAsync(string networkNamespace, string address)
    {
        RedisServer server = new() { NetworkNamespace = networkNamespace, Address = address };
        await server.StartAsync();
        return server;
    }

    private string[] Arguments { get; init; } = [];

    private string? NetworkNamespace { get; init; }

    public override async Task StartAsync()
    {
        string[] command = ["redis-server", "--port", $"{Port}", "--bind", Address, "--protected-mode", "no", "--save", "", "--appendonly", "no", .. Arguments];
        ProcessStartInfo start = NetworkNamespace is null ? new(command[0], command[1..]) : new("ip", ["netns", "exec", NetworkNamespace, .. command]);
        start.RedirectStandardOutput = true;
        start.WorkingDirectory = Path.GetTempPath();
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

        Assert.SkipWhen(NetworkNamespace is not null, "redis-server is not installed.");
        throw new InvalidOperationException("redis-server did not start.");
    }

    /// <summary>Makes the server hang until SIGCONT.</summary>
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

/// <summary>Microsoft.Garnet in this process, which needs no installed server.</summary>
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
