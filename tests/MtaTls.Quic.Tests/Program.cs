using System.Globalization;
using MtaTls.Quic.Tests.Support;
using Xunit.Runner.InProc.SystemConsole;

namespace MtaTls.Quic.Tests;

/// <summary>Starts the tests, or runs as a child process of <see cref="QuicProcessTests"/>.</summary>
internal static class Program
{
    /// <summary>The exit code of a child process that ended as planned.</summary>
    public const int Success = 42;

    private static long s_operations;

    public static async Task<int> Main(string[] arguments)
    {
        if (arguments is not ["exit", var work, var seed])
        {
            return await ConsoleRunner.Run(arguments);
        }

        var quic = new QuicFixture();
        for (int i = 0; i < 3; i++)
        {
            _ = Task.Run(async () =>
            {
                try
                {
                    await (work == "handshake" ? HandshakeAsync(quic) : TransferAsync(quic));
                }
                catch (Exception exception)
                {
                    await Console.Error.WriteLineAsync($"{exception}");
                    Environment.Exit(1);
                }
            });
        }

        // Exit at some random point of the work.
        while (Interlocked.Read(ref s_operations) < 5)
        {
            await Task.Yield();
        }

        var random = new Random(int.Parse(seed, CultureInfo.InvariantCulture));
        Thread.SpinWait(random.Next(200_000));
        if (random.Next(2) == 0)
        {
            Environment.Exit(Success);
        }

        return Success;
    }

    private static async Task HandshakeAsync(QuicFixture quic)
    {
        while (true)
        {
            Pair pair = await quic.ConnectPairAsync();
            Interlocked.Increment(ref s_operations);
            pair.Client.Close(0);
        }
    }

    private static async Task TransferAsync(QuicFixture quic)
    {
        quic.NextHandler = static _ => new RecordingHandler { DatagramAction = static (_, _) => Interlocked.Increment(ref s_operations) };
        Pair pair = await quic.ConnectPairAsync();
        while (true)
        {
            if (!pair.Client.TrySendDatagram([], new byte[1000]))
            {
                await Task.Yield();
            }
        }
    }
}
