using System.Security.Cryptography.X509Certificates;
using Microsoft.Playwright;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.Dashboard.Tests.Support;
using MtaTls.Protocol;

namespace MtaTls.Dashboard.Tests.Pages;

/// <summary>Sessions, and the channels of one.</summary>
public sealed class SessionPageTests(Chromium chromium)
{
    private const string Hostile = "<img src=x onerror=alert(1)>.test";

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 390)]
    public async Task Sessions_are_listed_filtered_and_followed_to_their_channels(ColorScheme scheme, int width)
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using MtaTlsClient named = await app.ConnectAsync(TestCertificates.Client);
        await using MtaTlsClient anonymous = await app.ConnectAsync();
        await using MtaTlsClientChannel silent = await named.OpenChannelAsync("silent.test", 80).Soon();
        using HttpClient http = new(new SocketsHttpHandler().UseMtaTls(named));
        using HttpResponseMessage waiting = await http.GetAsync(new Uri("https://localhost/wait"), HttpCompletionOption.ResponseHeadersRead).Soon();

        await using Visit visit = await chromium.OpenAsync(app, "sessions", scheme: scheme, width: width);
        await visit.LiveAsync();
        await visit.CountAsync("tbody tr", 2);
        await visit.SeesAsync("caption", "2 sessions");
        await visit.SeesAsync("tbody", "CN=client");
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync($"sessions-{scheme}-{width}");

        await visit.Page.Locator("#filter").FillAsync("cn=client");
        await visit.CountAsync("tbody tr", 1);
        await visit.SeesAsync("caption", "1 of 2 sessions");
        // The text stays in the field, and the field keeps the focus.
        Assert.Equal("cn=client", await visit.Page.Locator("#filter").InputValueAsync());
        Assert.Equal("filter", await visit.Page.EvaluateAsync<string>("() => document.activeElement.id"));
        await visit.Page.Locator("#filter").FillAsync("nothing like this");
        await visit.SeesAsync(".empty:visible", "No session matches the filter.");
        await visit.Page.Locator("#filter").FillAsync("cn=client");
        await visit.CountAsync("tbody tr", 1);

        await visit.Page.Locator("tbody a").ClickAsync();
        await visit.SeesAsync("h1", "Channels of a session");
        await visit.CountAsync("tbody tr", 2);
        await visit.SeesAsync("tbody", "silent.test:80");
        await visit.SeesAsync("tbody", "For its first data");
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync($"channels-{scheme}-{width}");
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task Columns_sort_both_ways()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using MtaTlsClient one = await app.ConnectAsync();
        await using MtaTlsClient two = await app.ConnectAsync(TestCertificates.Client);
        await using MtaTlsClientChannel channel = await two.OpenChannelAsync("a.test", 80).Soon();
        await using Visit visit = await chromium.OpenAsync(app, "sessions");
        await visit.LiveAsync();
        ILocator sort = visit.Page.Locator("th button.sort", new() { HasText = "Channels" });
        await sort.ClickAsync();
        await visit.SeesAsync("th[aria-sort=descending]", "Channels");
        await visit.SeesAsync("tbody tr:nth-child(1)", "CN=client");
        await sort.ClickAsync();
        await visit.SeesAsync("th[aria-sort=ascending]", "Channels");
        await visit.SeesAsync("tbody tr:nth-child(2)", "CN=client");
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task Without_sessions_the_page_says_so()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app, "sessions");
        await visit.SeesAsync(".empty", "No session is open.");
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync("sessions-empty");
        await visit.Page.GotoAsync($"{app.Page}#/channels?id=0HNNOBODY");
        await visit.SeesAsync(".empty", "The session has ended.");
        Assert.Empty(visit.Complaints);
    }

    // A certificate can contain any name: markup, characters that reorder others, very long names.
    [Fact]
    public async Task Hostile_names_are_text()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        string[] names = [Hostile, "user\u202egnp.exe", new string('w', 400), "${alert(1)}", "a\u200bb\u0007c", "<script>alert(1)</script>"];
        List<MtaTlsClient> clients = [];
        List<MtaTlsClientChannel> channels = []; // a channel that nobody references is closed by a garbage collection
        foreach (string name in names)
        {
            X500DistinguishedNameBuilder subject = new();
            subject.AddCommonName(name[..Math.Min(64, name.Length)]);
            subject.AddOrganizationName(name);
            using X509Certificate2 certificate = TestCertificates.Issue(subject.Build().Name, TestCertificates.Root, "1.3.6.1.5.5.7.3.2", ["client.test"]);
            clients.Add(await app.ConnectAsync(certificate));
            string host = new('a', 253);
            channels.Add(await clients[^1].OpenChannelAsync(new ChannelAddress(host, 65_535), new ChannelAddress(host, 65_535)).Soon());
        }

        await using Visit visit = await chromium.OpenAsync(app, "sessions");
        await visit.LiveAsync();
        await visit.CountAsync("tbody tr", names.Length);
        await visit.SeesAsync("tbody", "onerror=alert(1)");
        await visit.CountAsync("main img, main script", 0);
        string text = await visit.Page.Locator("tbody").InnerTextAsync();
        Assert.DoesNotContain('\u202e', text);
        Assert.Contains("\\u{202e}", text, StringComparison.Ordinal);
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync("hostile");
        await visit.Page.Locator("tbody a").First.ClickAsync();
        await visit.SeesAsync("tbody", "aaaaaaaaaaaaaaaa");
        await visit.AssertFitsAsync();
        await visit.PictureAsync("hostile-channels");
        Assert.Empty(visit.Complaints);
        foreach (MtaTlsClientChannel channel in channels)
        {
            await channel.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_channel_whose_peer_does_not_read_says_for_whom_it_waits()
    {
        await using LiveApp app = await LiveApp.StartAsync(map: static a =>
        {
            a.MapGet("/endless", static async (Microsoft.AspNetCore.Http.HttpContext context) =>
            {
                byte[] block = new byte[65536];
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.Body.WriteAsync(block, context.RequestAborted);
                }
            });
            a.MapPost("/deaf", static async (Microsoft.AspNetCore.Http.HttpContext context) => await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing));
        });
        await using MtaTlsClient client = await app.ConnectAsync();
        using HttpClient http = new(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Timeout.InfiniteTimeSpan };
        using HttpResponseMessage unread = await http.GetAsync(new Uri("https://localhost/endless"), HttpCompletionOption.ResponseHeadersRead).Soon();
        using CancellationTokenSource stop = new();
        Task deaf = http.PostAsync(new Uri("https://localhost/deaf"), new ByteArrayContent(new byte[4 << 20]), stop.Token);
        string id = app.Sessions.List()[0].SessionId;
        await using Visit visit = await chromium.OpenAsync(app, $"channels?id={id}");
        await visit.SeesAsync("tbody", "For the peer to read");
        await visit.SeesAsync("tbody", "For the application to read");
        Assert.Contains(app.Sessions.ListChannels(id)!, static c => c is { State: MtaTlsChannelState.WaitsForPeerToRead, SendWindow: 0, UnsentBytes: > 0 });
        Assert.Contains(app.Sessions.ListChannels(id)!, static c => c is { State: MtaTlsChannelState.WaitsForApplicationToRead, UnreadBytes: > 0 });
        Assert.All(app.Sessions.ListChannels(id)!, static c => Assert.NotNull(c.OpenedAt));
        await visit.PictureAsync("stalled");
        await stop.CancelAsync();
        await deaf.ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task An_operator_ends_a_session_and_closes_a_channel_and_a_viewer_has_no_button()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using MtaTlsClient client = await app.ConnectAsync();
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("a.test", 80).Soon();
        string id = app.Sessions.List()[0].SessionId;
        await using (Visit viewer = await chromium.OpenAsync(app, "sessions", user: "viewer"))
        {
            await viewer.LiveAsync();
            await viewer.CountAsync("tbody tr", 1);
            await viewer.CountAsync("button.act:visible", 0);
        }

        await using Visit visit = await chromium.OpenAsync(app, $"channels?id={id}");
        await visit.LiveAsync();
        await visit.CountAsync("tbody tr", 1);
        await visit.Page.Locator("tbody button").ClickAsync();
        await visit.SeesAsync("#dialog", "a.test:80");
        await visit.PictureAsync("dialog");
        await visit.AssertAccessibleAsync();
        await visit.Page.Keyboard.PressAsync("Escape");
        Assert.Single(app.Sessions.ListChannels(id)!);
        await visit.ConfirmAsync("tbody button");
        await visit.SeesAsync(".empty", "The session has no open channel.");
        await visit.Page.GotoAsync($"{app.Page}#/sessions");
        // The client may open another session.
        await visit.ConfirmAsync($"button[aria-label='End session {id}']");
        await visit.CountAsync($"button[aria-label='End session {id}']", 0);
        Assert.Null(app.Sessions.Find(id));
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task An_action_that_comes_too_late_says_why()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using MtaTlsClient client = await app.ConnectAsync();
        await using Visit visit = await chromium.OpenAsync(app, "sessions");
        await visit.LiveAsync();
        await visit.CountAsync("tbody tr", 1);
        await visit.Page.Locator("button[aria-label^='Abort session']").ClickAsync();
        app.Sessions.Abort(app.Sessions.List()[0].SessionId);
        await Wait.UntilAsync(() => app.Sessions.List().Count == 0);
        await visit.Page.Locator("#dialog-yes").ClickAsync();
        await visit.SeesAsync("#notice", "It was not found. It may have ended.");
    }
}
