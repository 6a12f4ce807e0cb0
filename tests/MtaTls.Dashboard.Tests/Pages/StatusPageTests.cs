using System.Net;
using System.Security.Authentication;
using Microsoft.Playwright;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.Dashboard.Tests.Support;
using MtaTls.Protocol;

namespace MtaTls.Dashboard.Tests.Pages;

/// <summary>Endpoints, limits, events, and 10,000 sessions.</summary>
public sealed class StatusPageTests(Chromium chromium)
{
    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 390)]
    public async Task Endpoints_say_why_they_do_not_speak_MTA_TLS_and_how_long_their_certificates_last(ColorScheme scheme, int width)
    {
        await using LiveApp app = await LiveApp.StartAsync(kestrel: static k => k.Listen(IPAddress.Loopback, 0, static endpoint => endpoint.UseHttps(static https =>
        {
            https.ServerCertificate = TestCertificates.Server;
#pragma warning disable SYSLIB0039, CA5397 // The test needs an endpoint with an old TLS version, because the page explains it.
            https.SslProtocols = SslProtocols.Tls11;
#pragma warning restore SYSLIB0039, CA5397
        })));
        await using Visit visit = await chromium.OpenAsync(app, "endpoints", scheme: scheme, width: width);
        await visit.LiveAsync();
        await visit.CountAsync("tbody tr", 3);
        foreach (string text in (string[])["yes", "CN=localhost", "99 days left", "It does not use HTTPS.", "are older than MTA-TLS; add Tls12 or Tls13."])
        {
            await visit.SeesAsync("tbody", text);
        }

        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync($"endpoints-{scheme}-{width}");
        Assert.Empty(visit.Complaints);
        IMtaTlsServerStatus status = app.Services.GetRequiredService<IMtaTlsServerStatus>();
        Assert.Equal(2, status.ListEndpoints().Count(static e => e is { Obstacle: not null, Certificate: null }));
    }

    [Fact]
    public async Task Limits_say_how_near_they_are()
    {
        await using LiveApp app = await LiveApp.StartAsync(mtaTls: static o =>
        {
            o.Limits.MaxSessions = 4;
            o.Limits.MaxSessionsPerAddress = 3;
            o.Limits.MaxChannels = 2;
        });
        await using MtaTlsClient one = await app.ConnectAsync();
        await using MtaTlsClient two = await app.ConnectAsync();
        await using MtaTlsClientChannel first = await one.OpenChannelAsync("a.test", 80).Soon();
        await using MtaTlsClientChannel second = await one.OpenChannelAsync("a.test", 80).Soon();
        await using Visit visit = await chromium.OpenAsync(app, "limits");
        await visit.LiveAsync();
        // The limit that is nearest to its maximum comes first.
        await visit.SeesAsync("tbody tr:nth-child(1)", "MaxChannels");
        await visit.SeesAsync("tbody tr:nth-child(1)", "100.0 %");
        await visit.SeesAsync("tbody tr:nth-child(2)", "66.7 %");
        await visit.SeesAsync("tbody tr:nth-child(3)", "50.0 %");
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () => await one.OpenChannelAsync("c.test", 80).Soon());
        await visit.SeesAsync("section", "MaxChannels");
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync("limits");
        IReadOnlyList<MtaTlsLimitUsage> usage = app.Services.GetRequiredService<IMtaTlsServerStatus>().ListLimits();
        Assert.Equal(new MtaTlsLimitUsage("MaxSessionsPerAddress", 2, 3, "sessions"), Assert.Single(usage, static u => u.Name == "MaxSessionsPerAddress"));
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task Log_events_are_listed_and_filtered_by_text_and_level()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using (MtaTlsClient client = await app.ConnectAsync())
        {
            await Wait.UntilAsync(() => app.Sessions.List().Count == 1);
            app.Sessions.Abort(app.Sessions.List()[0].SessionId);
            await Wait.UntilAsync(() => app.Sessions.List().Count == 0);
        }

        await using Visit visit = await chromium.OpenAsync(app, "events?filter=session");
        await visit.SeesAsync("tbody", "SessionEnded");
        await visit.Page.GotoAsync($"{app.Page}#/events");
        await visit.SeesAsync("tbody", "EndpointBound");
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync("events");
        await visit.Page.Locator("#level").SelectOptionAsync("Error");
        await visit.SeesAsync(".empty", "No event matches the filter.");
        await visit.Page.Locator("#level").SelectOptionAsync("Information");
        await visit.CountAsync(".empty:visible", 0);
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task The_last_events_are_kept()
    {
        await using LiveApp app = await LiveApp.StartAsync(dashboard: static o => o.MaxEvents = 3);
        for (int i = 0; i < 3; i++)
        {
            await using MtaTlsClient client = await app.ConnectAsync();
            await Wait.UntilAsync(() => app.Sessions.List().Count > 0);
        }

        System.Text.Json.JsonElement events = await app.SnapshotAsync("events");
        Assert.Equal(3, events.GetProperty("most").GetInt32());
        Assert.Equal(3, events.GetProperty("rows").GetArrayLength());
        Assert.True(events.GetProperty("rows")[0].GetProperty("number").GetInt64() > 3);
    }

    // A process can't have enough sockets for 10,000 sessions and their clients, so the test uses a list of fake sessions. The benchmark `page` has real ones, in two processes.
    [Fact]
    public async Task Ten_thousand_sessions_are_sorted_and_paged_on_the_server()
    {
        await using LiveApp app = await LiveApp.StartAsync(static builder => builder.Services.AddSingleton<IMtaTlsSessions>(new ManySessions(10_000)));
        await using Visit visit = await chromium.OpenAsync(app, "sessions?sort=received&desc=1");
        await visit.SeesAsync("caption", "10,000 sessions");
        await visit.CountAsync("tbody tr", 50);
        await visit.SeesAsync("tbody tr:nth-child(1)", "id-9999");
        await visit.SeesAsync(".pager", "Page 1 of 200");
        await visit.Page.Locator("#page-after").ClickAsync();
        await visit.SeesAsync(".pager", "Page 2 of 200");
        await visit.SeesAsync("tbody tr:nth-child(1)", "id-9949");
        await visit.PictureAsync("ten-thousand");
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.Page.Locator("#filter").FillAsync("id-123");
        await visit.SeesAsync("caption", "11 of 10,000 sessions");
        // A page number past the end shows the last page.
        await visit.Page.GotoAsync($"{app.Page}#/sessions?page=100000");
        await visit.SeesAsync(".pager", "Page 200 of 200");
        Assert.Empty(visit.Complaints);
    }
}
