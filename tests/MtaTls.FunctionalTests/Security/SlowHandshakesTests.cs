using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Security;

/// <summary>Clients that never finish a handshake block no thread of the server.</summary>
[Collection(SerialCollection.Name)]
public sealed class SlowHandshakesTests
{
    private const int Connections = 400;

    // The start of a record of 512 bytes with a ClientHello of that length, so that the server waits for the rest.
    private static readonly byte[] s_helloStart = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];

    [Fact]
    public async Task Hellos_byte_by_byte_beyond_HandshakeTimeout_block_neither_ordinary_HTTPS_nor_a_thread()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.HandshakeTimeout = TimeSpan.FromSeconds(10)); // Ordinary clients need it too.
        using MetricCollector<long> active = new(app.Services.GetRequiredService<IMeterFactory>(), "Microsoft.AspNetCore.Server.Kestrel", "kestrel.active_connections");
        int threads = ThreadPool.ThreadCount, most = 0;
        using CancellationTokenSource stop = new();

        // On a separate thread, because they must continue even if the thread pool is blocked.
        Task attack = Task.Factory.StartNew(() => SendByteByByte(app.Port), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        int requests = 0;
        do
        {
            Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
            requests++;
            most = Math.Max(most, ThreadPool.ThreadCount);
        }
        while (!attack.IsCompleted || requests < 20);

        await attack;
        // Kestrel counts a connection until it is disposed.
        await Wait.UntilAsync(() => active.GetMeasurementSnapshot().EvaluateAsCounter() == 0);
        // A thread pool that is short of processors adds threads, but not one for each connection.
        Assert.InRange(most, 0, threads + (Connections / 2));
    }

    /// <summary>Sends one byte on each connection in each round until the server has closed it, and one byte more.</summary>
    private static void SendByteByByte(int port)
    {
        List<Socket> sockets = [];
        try
        {
            for (int i = 0; i < Connections; i++)
            {
                sockets.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
                sockets[i].Connect(IPAddress.Loopback, port);
            }

            List<Socket> open = [.. sockets];
            for (int round = 0; open.Count > 0; round++)
            {
                byte[] octet = [round < s_helloStart.Length ? s_helloStart[round] : (byte)0];
                open.RemoveAll(socket =>
                {
                    bool hasEnded = socket.Poll(0, SelectMode.SelectRead);
                    socket.Send(octet, SocketFlags.None, out SocketError error);
                    return hasEnded || error != SocketError.Success;
                });
                // The 512 bytes take longer than HandshakeTimeout.
                Thread.Sleep(50);
            }
        }
        finally
        {
            sockets.ForEach(static s => s.Dispose());
        }
    }
}
