using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(MtaTls.Dashboard.Tests.Support.Chromium))]

namespace MtaTls.Dashboard.Tests.Support;

/// <summary>The machine's own Chromium, started once for all tests.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string? s_program = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (s_program is null)
        {
            return;
        }

        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = s_program,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            Timeout = (float)Wait.Timeout.TotalMilliseconds,
        });
    }

    /// <summary>Opens the page as a user, in a separate profile.</summary>
    internal async Task<Visit> OpenAsync(LiveApp app, string view = "overview", string? user = "operator", ColorScheme scheme = ColorScheme.Light, int width = 1280, int height = 900)
    {
        Assert.SkipWhen(_browser is null, "Chromium is not installed.");
        IBrowserContext context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ColorScheme = scheme,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ExtraHTTPHeaders = user is null ? [] : [KeyValuePair.Create(HeaderAuthentication.Header, user)],
        });
        context.SetDefaultTimeout((float)Wait.Timeout.TotalMilliseconds);
        Visit visit = new(context, await context.NewPageAsync());
        await visit.Page.GotoAsync($"{app.Page}#/{view}");
        return visit;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }
}
