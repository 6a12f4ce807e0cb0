using System.Globalization;
using System.Security.Authentication;
using MtaTls.Tls.Tests.Support;
using Xunit.Runner.InProc.SystemConsole;

namespace MtaTls.Tls.Tests;

/// <summary>Starts the tests, or runs a part of them in a separate process for <see cref="ProcessTests"/>.</summary>
internal static class Program
{
    /// <summary>The exit code of a process that ended as planned.</summary>
    public const int Success = 42;

    private static long s_operations;

    public static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["abuse"]:
                var tests = new NativeSafetyTests();
                await tests.Connections_that_end_at_any_point();
                await tests.Handshakes_that_are_disposed_from_elsewhere();
                return Success;
            case ["policy", "compare", var versions, var namesSuites]:
                await PolicyComparison.CompareAsync(Enum.Parse<SslProtocols>(versions), bool.Parse(namesSuites));
                return Success;
            case ["library", var path]:
                await ForeignOpenSslTests.UseAsync(path);
                return Success;
            case ["resume"]:
                await ResumptionTests.AssertNothingIsResumedAsync();
                return Success;
            case ["policy", "nothing", _, _]:
                PolicyComparison.FindNothing();
                return Success;
            case ["exit", var work, var seed]:
                for (int i = 0; i < 3; i++)
                {
                    _ = Task.Run(work == "handshake" ? HandshakeAsync : TransferAsync);
                }

                // In the middle of the work, at any point.
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
            default:
                return await ConsoleRunner.Run(arguments);
        }
    }

    private static async Task HandshakeAsync()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ClientCertificateMode = TlsClientCertificateMode.AllowCertificate);
        using TlsClientContext client = TlsTest.Client(configure: o => o.ClientCertificate = TestCertificates.Client);
        while (true)
        {
            await using Pair pair = await TlsTest.ConnectAsync(client, server);
            Interlocked.Increment(ref s_operations);
        }
    }

    private static async Task TransferAsync()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        using TlsClientContext client = TlsTest.Client(SslProtocols.Tls13);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        await Task.WhenAll(SendAsync(pair.Client), ReceiveAsync(pair.Client), SendAsync(pair.Server), ReceiveAsync(pair.Server));
    }

    private static async Task SendAsync(TlsConnection connection)
    {
        byte[] block = new byte[30_000];
        while (true)
        {
            await connection.SendAsync(block);
        }
    }

    private static async Task ReceiveAsync(TlsConnection connection)
    {
        byte[] block = new byte[50_000];
        while (await connection.ReadAsync(block) > 0)
        {
            Interlocked.Increment(ref s_operations);
        }
    }
}
