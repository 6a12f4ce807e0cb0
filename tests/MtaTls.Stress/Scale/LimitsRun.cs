using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MtaTls.Client;
using MtaTls.Stress.Hosting;
using MtaTls.Stress.Soak;

namespace MtaTls.Stress.Scale;

/// <summary>
/// A server at its limits: ClientHellos byte by byte beyond HandshakeTimeout, connections that send nothing, more sessions than MaxSessions. Ordinary HTTPS clients
/// are answered meanwhile, each on a new connection, and the number of the server's threads does not grow.
/// </summary>
internal sealed class LimitsRun(StressOptions options) : ScaleRun(options, count: 500, rounds: 3)
{
    // The thread pool may add this many threads on a busy machine. A blocked thread for each connection would be hundreds.
    private const int Tolerable = 32;

    // The start of a record of 512 bytes with a ClientHello of that length, so that the server waits for the rest.
    private static readonly byte[] s_helloStart = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];

    protected override bool IsLimited => true;

    protected override async Task<string> RoundAsync(ServerProcess server)
    {
        int before = (await server.SampleAsync()).Threads, most = before, requests = 0;
        using CancellationTokenSource stop = new();
        var attack = Task.WhenAll(
            Task.Factory.StartNew(() => SendByteByByte(server.Port), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default),
            SayNothingAsync(server.Port),
            TakeSessionsAsync(server));
        long begun = Stopwatch.GetTimestamp(), longest = 0;
        do
        {
            long asked = Stopwatch.GetTimestamp();
            using (SocketsHttpHandler handler = new() { SslOptions = { TargetHost = "localhost", CertificateChainPolicy = server.Trust } })
            using (HttpClient http = new(handler) { Timeout = TimeSpan.FromMinutes(1) })
            {
                byte[] body = await http.GetByteArrayAsync(new Uri($"https://127.0.0.1:{server.Port}/bytes/2/1000"), stop.Token);
                if (!body.AsSpan().SequenceEqual(Payload.ToArray(2, 1000)))
                {
                    throw new InvalidDataException("A wrong answer.");
                }
            }

            requests++;
            longest = Math.Max(longest, Stopwatch.GetTimestamp() - asked);
            most = Math.Max(most, (await server.SampleAsync()).Threads);
        }
        while (!attack.IsCompleted);

        await attack;
        if (most > before + Tolerable)
        {
            throw new InvalidDataException($"The server's threads rose from {before} to {most}.");
        }

        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        return FormattableString.Invariant($"{requests} ordinary requests in {seconds:0.0} s during {3 * Count} hostile connections, the longest took {longest * 1000.0 / Stopwatch.Frequency:0} ms; {before} threads before, at most {most} during it");
    }

    /// <summary>Sends one byte on each connection in each round until the server has closed it, and one byte more.</summary>
    private void SendByteByByte(int port)
    {
        List<Socket> sockets = [];
        try
        {
            for (int i = 0; i < Count; i++)
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
                Thread.Sleep(5);
            }
        }
        finally
        {
            sockets.ForEach(static s => s.Dispose());
        }
    }

    /// <summary>Opens connections and waits until the server closes them.</summary>
    private async Task SayNothingAsync(int port) => await Task.WhenAll(Enumerable.Range(0, Count).Select(async _ =>
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        try
        {
            await socket.ReceiveAsync(new byte[1]);
        }
        catch (SocketException)
        {
            // A reset closes the connection too.
        }
    }));

    /// <summary>Opens more sessions than MaxSessions. Those that get a place keep it for a while.</summary>
    private async Task TakeSessionsAsync(ServerProcess server) => await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (_, cancellationToken) =>
    {
        try
        {
            await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(Caller.Options(server, server.Port), cancellationToken);
            await Task.Delay(200, cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // Above MaxSessions.
        }
    });
}
