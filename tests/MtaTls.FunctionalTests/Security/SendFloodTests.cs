using System.Net;
using System.Text;
using MtaTls.AspNetCore.Connections;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Security;

/// <summary>Clients that ask for much on many channels of many sessions and take nothing of it.</summary>
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
                a.MapGet("/", () => new string('x', 3 * MiB));
            },
            o => (o.Limits.SessionSendBudget, o.Limits.AddressSendBudget, o.Limits.ServerSendBudget) = (2 * MiB, 3 * MiB, 4 * MiB),
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
            // What has to go for that goes within a few seconds, and no more comes.
            await Wait.UntilAsync(() => budget.Used <= 3 * MiB);
            Assert.InRange(budget.Used, MiB / 2, 3 * MiB);

            await using RawClient modest = await RawClient.ConnectAsync(app.Port, from: s_modest);
            Assert.Equal(3 * MiB, (await modest.GetAsync()).Length);
            // Nor do sessions end for it.
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
