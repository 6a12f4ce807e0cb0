using System.Net.Http;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore.Connections;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using TestApp = MtaTls.FunctionalTests.Support.TestApp;

namespace MtaTls.FunctionalTests.Chaos;

/// <summary>Load over connections that break: every request ends with the right bytes or an exception, and no resource remains in use.</summary>
[Collection(SerialCollection.Name)]
public class ChaosTests(ITestOutputHelper output)
{
    private const int Workers = 16;

    [Fact]
    public async Task Requests_over_breaking_connections_succeed_or_fail_clearly_and_leave_nothing()
    {
        int seed = RandomNumberGenerator.GetInt32(int.MaxValue / 2);
        output.WriteLine($"seed {seed}");
        // The pool belongs to the process, and no other test runs at the same time.
        int blocksBefore = BlockPool.InUse;
        await using TestApp app = await TestApp.StartAsync(static a =>
        {
            a.MapGet("/bytes/{n:int}", static (int n) => Results.Bytes(Octets(n)));
            a.MapPost("/echo", static async context => await context.Request.Body.CopyToAsync(context.Response.Body));
        });
        await using ChaosRelay relay = new(app.Port, seed);
        var options = new MtaTlsClientOptions
        {
            Host = "localhost",
            Port = relay.Port,
            Mode = MtaTlsClientMode.Required,
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http11],
            ConnectTimeout = TimeSpan.FromSeconds(15),
            Reconnect = { InitialDelay = TimeSpan.FromMilliseconds(5), MaxDelay = TimeSpan.FromMilliseconds(50) },
        };
        MtaTlsClient session = new(ClientSettings.From(options));
        await using (session)
        {
            using HttpClient client = new(new SocketsHttpHandler().UseMtaTls(session)) { Timeout = Wait.Timeout };
            using CancellationTokenSource over = new(TimeSpan.FromSeconds(12));
            int succeeded = 0, failed = 0;
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
            {
                var random = new Random(seed + worker);
                // On a busy machine the first faults come later.
                while (!over.IsCancellationRequested || Volatile.Read(ref succeeded) == 0 || relay.Broken == 0)
                {
                    int length = random.Next(4) == 0 ? random.Next(300_000) : random.Next(3_000);
                    try
                    {
                        Assert.Equal(Octets(length), await AskAsync(client, length, upload: random.Next(3) == 0));
                        Interlocked.Increment(ref succeeded);
                    }
                    catch (Exception e) when (e is HttpRequestException or IOException)
                    {
                        // An expected failure. A timeout would be an OperationCanceledException, which means that something hung.
                        Interlocked.Increment(ref failed);
                        await Task.Delay(5);
                    }
                }
            }))).Soon();
            output.WriteLine($"{succeeded} requests succeeded, {failed} failed, {relay.Broken} connections were broken");
            Assert.True(succeeded > 0 && relay.Broken > 0);

            // The same client continues when the network works again.
            relay.Calm();
            await Wait.UntilAsync(async () =>
            {
                try
                {
                    return (await AskAsync(client, 1000, upload: true)).Length == 1000;
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    return false;
                }
            });
        }

        MtaTlsServer server = app.Services.GetRequiredService<MtaTlsServer>();
        await Wait.UntilAsync(() => (server.Metrics.ActiveSessions, server.Metrics.ActiveChannels, server.ReceiveBudget.Reserved, server.Sessions.Count, server.Handshakes.Count) == (0, 0, 0, 0, 0));
        await Wait.UntilAsync(() => session.GetStatistics() is { ActiveSessions: 0, ActiveChannels: 0 });
        await Wait.UntilAsync(() => BlockPool.InUse <= blocksBefore);
    }

    private static async Task<byte[]> AskAsync(HttpClient client, int length, bool upload)
    {
        using HttpRequestMessage request = upload
            ? new(HttpMethod.Post, "https://app.test/echo") { Content = new ByteArrayContent(Octets(length)) }
            : new(HttpMethod.Get, $"https://app.test/bytes/{length}");
        using HttpResponseMessage response = await client.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync();
    }

    private static byte[] Octets(int length)
    {
        byte[] octets = new byte[length];
        new Random(length).NextBytes(octets);
        return octets;
    }
}
