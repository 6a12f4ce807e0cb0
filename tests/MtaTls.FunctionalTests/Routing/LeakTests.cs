using System.Text;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Routing;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>Channels that were opened, routed and closed leave nothing behind.</summary>
[Collection(SerialCollection.Name)]
public class LeakTests
{
    private const int Channels = 10_000;
    private const int AtOnce = 64;

    [Fact]
    public async Task Ten_thousand_channels_leave_nothing_behind()
    {
        await using var server = TcpServer.StartEcho();
        // Without the test's log, which keeps all entries in memory.
        await using TestApp gateway = await Gateway.StartAsync(
            $$"""
            { "MtaTls": { "Channels": [
              { "Hosts": [ "db.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}", "AllowAnonymous": true },
              { "Hosts": [ "closed.internal" ], "Action": "Reject" } ] } }
            """,
            configure: builder => builder.Logging.ClearProviders());
        TcpForwarder forwarder = gateway.Services.GetRequiredService<TcpForwarder>();
        MtaTlsMetrics metrics = gateway.Services.GetRequiredService<MtaTlsMetrics>();
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);

        async Task<(long Memory, int Files)> DriveAsync(int count)
        {
            int next = 0;
            await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
            {
                while (Interlocked.Increment(ref next) is var n && n <= count)
                {
                    await UseAsync(client, n);
                }
            }));
            // Both ends: the channels of the client, the server's applications, the connections to the destination.
            await Wait.UntilAsync(() => client.Session.ActiveChannels == 0 && metrics.ActiveChannels == 0 && forwarder.Connections == 0);
            Assert.Equal(0, client.Session.PendingChannels);
            // The second collection frees objects with finalizers.
            for (int i = 0; i < 2; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            return (GC.GetTotalMemory(forceFullCollection: true), Directory.Exists("/proc/self/fd") ? Directory.GetFiles("/proc/self/fd").Length : 0);
        }

        // Pools and tables reach their size first.
        (long Memory, int Files) before = await DriveAsync(2_000), after = await DriveAsync(Channels);
        // Something else in the process may have grown meanwhile, once. A leak grows each time.
        for (int again = 0; again < 2 && after.Memory - before.Memory > Channels * 400L; again++)
        {
            (before, after) = (after, await DriveAsync(Channels));
        }

        // A leak of 400 bytes for each channel would fail here.
        Assert.InRange(after.Memory - before.Memory, long.MinValue, Channels * 400L);
        Assert.InRange(after.Files - before.Files, int.MinValue, AtOnce);
    }

    private static async Task UseAsync(RawClient client, int n)
    {
        switch (n % 3)
        {
            case 0:
                Assert.Equal("app", await client.GetAsync());
                break;
            case 1:
                await using (HttpChannel channel = await client.OpenAsync("db.internal", 5432))
                {
                    await channel.SendAsync("PING");
                    Assert.Equal("PING", Encoding.ASCII.GetString(await channel.ReadAsync(4)));
                }

                break;
            default:
                // Closed without any data.
                await (await client.OpenAsync(n % 2 == 0 ? "app.test" : "db.internal")).DisposeAsync();
                break;
        }
    }
}
