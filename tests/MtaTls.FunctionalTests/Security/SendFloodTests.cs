using System.Net;
using System.Text;
using MtaTls.AspNetCore.Connections;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Security;

/// <summary>Clients that request much data on many channels of many sessions and read nothing.</summary>
public sealed class SendFloodTests
{
    private const int MiB = 1 << 20, Sessions = 4, ChannelsPerSession = 60;
    private static readonly IPAddress s_modest = IPAddress.Parse("127.0.0.2");

    [Theory]
    [InlineData(0)]            // grants no window
    [InlineData(1)]            // hardly any
    [InlineData(1 << 20)]      // enough, but reads nothing
    public async Task Buffers_stay_within_AddressSendBudget_and_another_address_is_served(uint window)
    {
        int began = 0;
        await using TestApp app = await TestApp.StartAsync(
            a =>
            {
                a.MapGet("/much", async (HttpContext context) =>
                {
                    Interlocked.Increment(ref began);
                    byte[] block = new byte[64 * 1024];
                    for (int i = 0; i < 1600; i++)
                    {
                        await context.Response.Body.WriteAsync(block, context.RequestAborted);
                    }
                });
                // In blocks: one write of more than its session's budget could itself be what is too much.
                a.MapGet("/", async (HttpContext context) =>
                {
                    context.Response.ContentLength = 3 * MiB;
                    byte[] block = new byte[64 * 1024];
                    for (int i = 0; i < 3 * MiB / block.Length; i++)
                    {
                        await context.Response.Body.WriteAsync(block, context.RequestAborted);
                    }
                });
            },
            o =>
            {
                (o.Limits.SessionSendBudget, o.Limits.AddressSendBudget, o.Limits.ServerSendBudget) = (2 * MiB, 3 * MiB, 4 * MiB);
                // The kernel ends connections whose peer reads nothing for that long, and a busy machine takes as long.
                o.KeepAlive.Tcp = false;
                o.Limits.WriteStallTimeout = Timeout.InfiniteTimeSpan;
            },
            kestrel: k => k.Limits.MinResponseDataRate = null);
        MtaTlsSendBudget budget = app.Services.GetRequiredService<MtaTlsServer>().SendBudget;
        List<RawClient> greedy = [];
        try
        {
            for (int i = 0; i < Sessions; i++)
            {
                RawClient client = await RawClient.HandshakeAsync(app.Port);
                greedy.Add(client);
                RawPackets packets = new(client.Tls);
                List<ChannelId> channels = [];
                for (ushort c = 1; c <= ChannelsPerSession; c++)
                {
                    channels.Add(await packets.OpenAsync(c, window));
                }

                foreach (ChannelId channel in channels)
                {
                    packets.WriteData(channel, Encoding.ASCII.GetBytes("GET /much HTTP/1.1\r\nHost: app.test\r\n\r\n"));
                }

                await client.Tls.FlushAsync();
            }

            await Wait.UntilAsync(() => Volatile.Read(ref began) == Sessions * ChannelsPerSession);
            // Channels are closed within a few seconds, and the use does not rise again.
            await Wait.UntilAsync(() => budget.Used is >= MiB / 2 and <= 3 * MiB);

            await using RawClient modest = await RawClient.ConnectAsync(app.Port, from: s_modest);
            Assert.Equal(3 * MiB, (await modest.GetAsync()).Length);
            // No session ends because of it.
            Assert.Equal(Sessions + 1, app.Services.GetRequiredService<MtaTlsServer>().Metrics.ActiveSessions);
        }
        finally
        {
            foreach (RawClient client in greedy)
            {
                client.Reset();
            }
        }

        await Wait.UntilAsync(() => budget.Used == 0);
    }
}
