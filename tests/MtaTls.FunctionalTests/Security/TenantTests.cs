using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.AspNetCore.Connections;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Security;

/// <summary>Limits per client address: a client that uses all resources of its address leaves the rest to others.</summary>
public sealed class TenantTests
{
    private static readonly IPAddress s_modest = IPAddress.Parse("127.0.0.2");

    [Fact]
    public async Task MaxSessionsPerAddress_closes_further_connections_of_one_address_alone()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.MaxSessionsPerAddress = 2);
        using MetricCollector<long> exceeded = Exceeded(app);
        await using (RawClient one = await RawClient.ConnectAsync(app.Port), two = await RawClient.ConnectAsync(app.Port))
        {
            await Assert.ThrowsAnyAsync<Exception>(() => RawClient.ConnectAsync(app.Port));   // reset or closed
            await using RawClient other = await RawClient.ConnectAsync(app.Port, from: s_modest);
            Assert.Equal("hello", await other.GetAsync());
            Assert.Equal("hello", await one.GetAsync());
        }

        Assert.Contains("MaxSessionsPerAddress", Assert.Single(await app.LoggedAsync("LimitReached")), StringComparison.Ordinal);
        await Wait.UntilAsync(() => exceeded.GetMeasurementSnapshot().Count > 0);
        Assert.Equal(["MaxSessionsPerAddress"], exceeded.GetMeasurementSnapshot().Select(m => m.Tags["mtatls.limit"]).Distinct());
        // An address without connections is removed.
        ClientAddresses addresses = app.Services.GetRequiredService<MtaTlsServer>().Addresses;
        await Wait.UntilAsync(() => addresses.Count == 0);
        await using RawClient again = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await again.GetAsync());
    }

    [Fact]
    public async Task Many_sessions_of_one_address_leave_half_of_ServerReceiveBudget_to_others()
    {
        const int MiB = 1 << 20, Octets = 100_000;
        TaskCompletionSource done = new();
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapPost("/", async () => await done.Task),
            o =>
            {
                (o.Limits.MaxChannelsPerSession, o.Limits.SessionReceiveBudget) = (16, MiB);
                (o.Limits.ServerReceiveBudget, o.Limits.AddressReceiveBudget) = (8 * MiB, 4 * MiB);
            });
        MtaTlsReceiveBudget budget = app.Services.GetRequiredService<MtaTlsServer>().ReceiveBudget;
        List<RawClient> greedy = [];
        try
        {
            for (int i = 0; i < 12; i++)
            {
                RawClient client = await RawClient.ConnectAsync(app.Port);
                greedy.Add(client);
                for (int c = 0; c < 16; c++)
                {
                    await client.OpenAsync();
                }
            }

            Assert.InRange(budget.Reserved, 3 * MiB, 4 * MiB);
            await using RawClient modest = await RawClient.ConnectAsync(app.Port, from: s_modest);
            await using HttpChannel upload = await modest.OpenAsync();
            await upload.SendAsync($"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {Octets}\r\n\r\n");
            // The application does not read, so the client can send only the first window.
            _ = upload.Channel.Output.WriteAsync(new byte[Octets]).AsTask();
            await Wait.UntilAsync(() => upload.Channel.BytesSent > Octets);
            done.SetResult();
        }
        finally
        {
            foreach (RawClient client in greedy)
            {
                await client.DisposeAsync();
            }
        }

        await Wait.UntilAsync(() => budget.Reserved == 0);
    }

    [Fact]
    public async Task Destinations_that_read_nothing_use_up_the_connections_of_one_address_only()
    {
        await using var stuck = TcpServer.Start(static async _ => await Task.Delay(Timeout.Infinite));
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Tcp": { "MaxConnections": 3, "MaxConnectionsPerAddress": 2, "HalfCloseLinger": "00:05:00" }, "Channels": [
                { "Hosts": [ "stuck.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{stuck.Port}}", "AllowAnonymous": true } ] } }
            """);
        using MetricCollector<long> exceeded = Exceeded(gateway);
        RawClient greedy = await RawClient.ConnectAsync(gateway.Port), again = await RawClient.ConnectAsync(gateway.Port);
        await using RawClient modest = await RawClient.ConnectAsync(gateway.Port, from: s_modest);
        // The channels are closed, but their TCP connections stay until the destinations close; one in each session.
        foreach (RawClient client in (RawClient[])[greedy, again])
        {
            HttpChannel channel = await client.OpenAsync("stuck.internal", 1);
            await channel.DisposeAsync();
            await Wait.UntilAsync(() => client.Session.ActiveChannels == 0);
        }

        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => greedy.OpenAsync("stuck.internal", 1));
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => again.OpenAsync("stuck.internal", 1));
        await using HttpChannel others = await modest.OpenAsync("stuck.internal", 1);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => modest.OpenAsync("stuck.internal", 1));
        await Wait.UntilAsync(() => exceeded.GetMeasurementSnapshot().Count >= 3);
        Assert.Equal(["Tcp:MaxConnectionsPerAddress", "Tcp:MaxConnectionsPerAddress", "Tcp:MaxConnections"], exceeded.GetMeasurementSnapshot().Select(m => m.Tags["mtatls.limit"]));
        Assert.Equal(2, (await gateway.LoggedAsync("LimitReached", 2)).Length);

        // A client that reconnects still has these connections counted.
        await greedy.DisposeAsync();
        await again.DisposeAsync();
        CountLimit sessions = gateway.Services.GetRequiredService<MtaTlsServer>().Sessions;
        await Wait.UntilAsync(() => sessions.Count == 1);
        await using RawClient back = await RawClient.ConnectAsync(gateway.Port);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => back.OpenAsync("stuck.internal", 1));
    }

    [Fact]
    public async Task A_limit_of_a_session_is_counted_each_time_and_logged_once()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.MaxChannelsPerSession = 1, listen: e => e.UseMtaTls(o => o.Name = "Mine"));
        using MetricCollector<long> exceeded = Exceeded(app);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel channel = await client.OpenAsync();
        for (int i = 0; i < 100; i++)
        {
            await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync());
        }

        await Wait.UntilAsync(() => exceeded.GetMeasurementSnapshot().EvaluateAsCounter() == 100);
        await Wait.UntilAsync(() => app.Messages("LimitExceeded").Length > 0);
        Assert.All(exceeded.GetMeasurementSnapshot(), m => Assert.Equal(["mtatls.endpoint", "mtatls.limit", "network.transport", "network.type", "server.address", "server.port"], m.Tags.Keys.Order()));
        Assert.Equal("MaxChannelsPerSession", exceeded.LastMeasurement!.Tags["mtatls.limit"]);
        string message = Assert.Single(await app.LoggedAsync("LimitExceeded"));
        Assert.Contains("MaxChannelsPerSession: opens are refused", message, StringComparison.Ordinal);
        Assert.Equal(200, (await channel.GetAsync("/")).Status);
    }

    private static MetricCollector<long> Exceeded(TestApp app) => new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.limits.exceeded");
}
