using System.Globalization;
using Microsoft.Playwright;
using MtaTls.Client;
using MtaTls.Dashboard.Tests.Support;
using MtaTls.Protocol;

namespace MtaTls.Dashboard.Tests.Pages;

/// <summary>The page as a whole, in real Chromium.</summary>
public sealed class OverviewPageTests(Chromium chromium)
{
    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 390)]
    [InlineData(ColorScheme.Dark, 390)]
    public async Task Overview_shows_the_traffic(ColorScheme scheme, int width)
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using MtaTlsClient client = await app.ConnectAsync();
        using CancellationTokenSource stop = new();
        Task load = LoadAsync(client, stop.Token);
        await using Visit visit = await chromium.OpenAsync(app, scheme: scheme, width: width);
        await visit.LiveAsync();
        await visit.SeesAsync(".tile:nth-child(1) dd", "1");
        // Each request opens a channel, and data flow in both directions.
        await Assertions.Expect(visit.Page.Locator(".tile:nth-child(5) dd")).Not.ToHaveTextAsync("0.0/s", new() { Timeout = (float)Wait.Timeout.TotalMilliseconds });
        await Assertions.Expect(visit.Page.Locator(".tile:nth-child(4) dd")).Not.ToHaveTextAsync("0 bit/s", new() { Timeout = (float)Wait.Timeout.TotalMilliseconds });
        await visit.CountAsync(".chart canvas", 5);
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync($"overview-{scheme}-{width}");
        Assert.Empty(visit.Complaints);
        // The page loads nothing from other origins.
        Assert.All(visit.Requests, url => Assert.StartsWith(app.Page.GetLeftPart(UriPartial.Authority), url, StringComparison.Ordinal));
        await stop.CancelAsync();
        await load;
    }

    [Fact]
    public async Task Refusals_and_failed_handshakes_are_counted_by_their_reason()
    {
        await using LiveApp app = await LiveApp.StartAsync(mtaTls: static o => o.Limits.MaxChannels = 1);
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.LiveAsync();
        await visit.SeesAsync("#view", "None since this page is watched.");
        await using MtaTlsClient client = await app.ConnectAsync();
        await using MtaTlsClientChannel only = await client.OpenChannelAsync("one.test", 80).Soon();
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () => await client.OpenChannelAsync("two.test", 80).Soon());
        // A client that does not trust the server ends its handshake with an alert.
        await Assert.ThrowsAnyAsync<Exception>(async () => await MtaTlsClient.ConnectAsync(new MtaTlsClientOptions { Host = "localhost", Port = app.Port, Mode = MtaTlsClientMode.Required }));
        await visit.SeesAsync("#view", "MaxChannels");
        await visit.SeesAsync("#view", "alert_");
        await visit.PictureAsync("refusals");
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task The_keyboard_reaches_everything_and_the_theme_is_kept()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.LiveAsync();
        await visit.Page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to the content", await visit.Page.EvaluateAsync<string>("() => document.activeElement.textContent"));
        await visit.Page.Keyboard.PressAsync("Tab");
        await visit.SeesAsync("#theme", "system");
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.SeesAsync("#theme", "dark");
        await visit.Page.ReloadAsync();
        await visit.SeesAsync("#theme", "dark");
        await visit.LiveAsync();
        await visit.Page.Locator("#theme").FocusAsync();
        await visit.Page.Keyboard.PressAsync("Tab");
        await visit.Page.Keyboard.PressAsync("Tab");
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.SeesAsync("h1", "Sessions");
        Assert.Equal("main", await visit.Page.EvaluateAsync<string>("() => document.activeElement.id"));
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task A_viewer_who_loses_the_connection_sees_it_and_comes_back()
    {
        int port = FreePort.Find();
        LiveApp app = await LiveApp.StartAsync(port: port);
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.LiveAsync();
        await app.DisposeAsync();
        await visit.SeesAsync("#state[data-state=lost]", "The connection was lost");
        await visit.PictureAsync("lost");
        await visit.AssertAccessibleAsync();
        await using LiveApp again = await LiveApp.StartAsync(port: port);
        await visit.LiveAsync();
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task A_viewer_whose_authorization_ends_is_told_so()
    {
        await using LiveApp app = await LiveApp.StartAsync(dashboard: static o => o.StreamLifetime = TimeSpan.FromSeconds(1));
        await using Visit visit = await chromium.OpenAsync(app);
        await visit.LiveAsync();
        await visit.Page.Context.SetExtraHTTPHeadersAsync([]);
        await visit.SeesAsync("#notice", "You no longer have access to this page");
        await visit.SeesAsync("#state[data-state=lost]", "You no longer have access to this page");
        await visit.PictureAsync("denied");
        await visit.AssertAccessibleAsync();
    }

    [Fact]
    public async Task A_refusal_is_shown_with_its_reason()
    {
        await using LiveApp app = await LiveApp.StartAsync(dashboard: static o => o.MaxViewers = 1);
        await using Visit first = await chromium.OpenAsync(app);
        await first.LiveAsync();
        await using Visit second = await chromium.OpenAsync(app);
        await second.SeesAsync("#notice", "1 browsers already watch");
        await first.Page.CloseAsync();
        await second.LiveAsync();
        await Assertions.Expect(second.Page.Locator("#notice")).ToBeHiddenAsync(new() { Timeout = (float)Wait.Timeout.TotalMilliseconds });
    }

    private static async Task LoadAsync(MtaTlsClient client, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            // A new handler has no connection yet, so each request opens a channel.
            using HttpClient http = new(new SocketsHttpHandler().UseMtaTls(client));
            await http.GetStringAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"https://localhost/hello?{i}")), CancellationToken.None);
            await Task.Delay(50, CancellationToken.None);
        }
    }
}
