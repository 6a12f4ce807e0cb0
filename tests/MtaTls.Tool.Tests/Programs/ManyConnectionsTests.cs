using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tool.Output;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Programs;

/// <summary>The number of connections through one proxy port that the documentation promises, to a Redis server that answers ECHO.</summary>
public sealed class ManyConnectionsTests
{
    private const int Connections = 10_000;
    private const int MaxConnections = 11_000;

    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(15);

    // Fewer than the unanswered opens that a session may have.
    private const int AtATime = 64;

    [Fact]
    public async Task Ten_thousand_connections_through_one_proxy_port_are_open_at_once_and_end_in_order()
    {
        // Each process holds one end: the programs, the forward, the gateway, Redis.
        Assert.SkipUnless(OpenFileLimit() is { } limit && limit >= MaxConnections + 1_000, $"A process may open {OpenFileLimit()} files here (ulimit -Hn); this test needs {MaxConnections + 1_000}.");
        int port = FreePort.Find();
        await using var redis = RunningProgram.Start(
            "redis-server", ["--port", Text(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxclients", Text(MaxConnections)]);
        await redis.LineAsync(static line => line.Contains("eady to accept", StringComparison.Ordinal));
        await using Gateway gateway = new();
        gateway.Environment["MtaTls__Tcp__MaxConnections"] = Text(MaxConnections);
        gateway.Environment["MtaTls__Tcp__MaxConnectionsPerAddress"] = Text(MaxConnections);
        gateway.Environment["MtaTls__Limits__MaxChannelsPerSession"] = Text(MaxConnections);
        // On a busy machine a connection may take longer than the default allows.
        gateway.Environment["MtaTls__Tcp__ConnectTimeout"] = "00:02:00";
        await gateway.InitializeAsync();
        await gateway.AddRouteAsync("redis.internal", port);
        await using var forward = RunningProgram.Mtatls("forward", gateway.Address, "--cacert", gateway.Authority, "-D", "0", "--max-connections", Text(MaxConnections));
        string line = await forward.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal));
        var proxy = IPEndPoint.Parse(line.Split(' ')[0]);
        int[] processes = [forward.Id, gateway.ProcessId];
        int[] before = [.. processes.Select(OpenSockets)];

        ConcurrentDictionary<int, Socket> sockets = [];
        try
        {
            await EachAsync(async i =>
            {
                Socket socket = sockets[i] = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await ConnectAsync(socket, proxy, "redis.internal");
                await EchoAsync(socket, string.Create(CultureInfo.InvariantCulture, $"first-{i:00000}"));
            });
            await Wait.UntilAsync(async () => await ClientsAsync(port) == Connections);
            // Each connection still works while all are open, and gets its own answer.
            await EachAsync(i => EchoAsync(sockets[i], string.Create(CultureInfo.InvariantCulture, $"again-{i:00000}")));
            Assert.Equal(Connections, await ClientsAsync(port));

            await EachAsync(async i =>
            {
                await (i % 2 == 0 ? EndByServerAsync(sockets[i]) : EndByProgramAsync(sockets[i]));
                sockets[i].Dispose();
            });
            await Wait.UntilAsync(async () => await ClientsAsync(port) == 0);
            // The program opens further sessions when the gateway has been silent for seconds.
            await Wait.UntilAsync(() => Task.FromResult(processes.Zip(before).All(static p => OpenSockets(p.First) <= p.Second + 16)));
        }
        finally
        {
            foreach (Socket socket in sockets.Values)
            {
                socket.Dispose();
            }
        }

        forward.Signal("TERM");
        Assert.Equal(ExitCode.Success, await forward.ExitAsync());
        Assert.Matches($@"{Connections} connections in \d+ session\(s\), 0 refused", forward.Output);
    }

    private static Task EachAsync(Func<int, Task> action) =>
        Parallel.ForAsync(0, Connections, new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (i, _) => await action(i)).WaitAsync(s_timeout);

    /// <summary>SOCKS5 without authentication, with the destination's name (RFC 1928).</summary>
    private static async Task ConnectAsync(Socket socket, IPEndPoint proxy, string host)
    {
        await socket.ConnectAsync(proxy);
        await socket.SendAsync(new byte[] { 5, 1, 0 });
        Assert.Equal([5, 0], await ReadAsync(socket, 2));
        await socket.SendAsync((byte[])[5, 1, 0, 3, (byte)host.Length, .. Encoding.ASCII.GetBytes(host), 6379 >> 8, 6379 & 0xFF]);
        Assert.Equal([5, 0, 0, 1, 0, 0, 0, 0, 0, 0], await ReadAsync(socket, 10));
    }

    private static Task EchoAsync(Socket socket, string text) => AskAsync(socket, $"ECHO {text}\r\n", $"${text.Length}\r\n{text}\r\n");

    private static async Task EndByServerAsync(Socket socket)
    {
        await AskAsync(socket, "QUIT\r\n", "+OK\r\n");
        Assert.Equal(0, await socket.ReceiveAsync(new byte[1]));
    }

    private static async Task EndByProgramAsync(Socket socket)
    {
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await socket.ReceiveAsync(new byte[1]));
    }

    private static async Task AskAsync(Socket socket, string question, string answer)
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes(question));
        Assert.Equal(answer, Encoding.ASCII.GetString(await ReadAsync(socket, answer.Length)));
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int length)
    {
        byte[] bytes = new byte[length];
        for (int filled = 0; filled < length;)
        {
            int received = await socket.ReceiveAsync(bytes.AsMemory(filled));
            Assert.True(received > 0, $"The connection ended after {filled} of {length} bytes.");
            filled += received;
        }

        return bytes;
    }

    /// <summary>The number of connections of Redis, without the one that asks.</summary>
    private static async Task<int> ClientsAsync(int port)
    {
        (int code, string output) = await RunningProgram.RunAsync("redis-cli", ["-p", Text(port), "info", "clients"]);
        Assert.True(code == 0, output);
        string count = output.Split('\n').Single(static line => line.StartsWith("connected_clients:", StringComparison.Ordinal));
        return int.Parse(count.Split(':')[1], CultureInfo.InvariantCulture) - 1;
    }

    private static int OpenSockets(int process) =>
        new DirectoryInfo($"/proc/{process}/fd").EnumerateFileSystemInfos().Count(static file => file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);

    /// <summary>The hard limit. .NET raises the soft limit to it, also for the processes that it starts.</summary>
    private static long? OpenFileLimit() =>
        File.ReadLines("/proc/self/limits").First(static line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2] is var hard
            && long.TryParse(hard, CultureInfo.InvariantCulture, out long limit) ? limit : null;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
