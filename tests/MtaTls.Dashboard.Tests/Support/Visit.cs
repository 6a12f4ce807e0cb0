using System.Text.Json;
using Microsoft.Playwright;

namespace MtaTls.Dashboard.Tests.Support;

/// <summary>A page in the browser. Everything that the browser complains about is kept: a script error, a file that the security policy blocks, a request to another place.</summary>
internal sealed class Visit : IAsyncDisposable
{
    private static readonly string s_axe = ReadAxe();

    private readonly IBrowserContext _context;

    public Visit(IBrowserContext context, IPage page)
    {
        _context = context;
        Page = page;
        page.PageError += (_, error) => Complaints.Add(error);
        page.Console += (_, message) =>
        {
            // A request that fails is what some tests want to see, and shown by the page itself.
            if (message.Type is "error" or "warning" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
            {
                Complaints.Add(message.Text);
            }
        };
        page.Request += (_, request) => Requests.Add(request.Url);
    }

    public IPage Page { get; }

    public List<string> Complaints { get; } = [];

    public List<string> Requests { get; } = [];

    /// <summary>Waits until frames come.</summary>
    public Task LiveAsync() => Assertions.Expect(Page.Locator("#state[data-state=live]")).ToBeVisibleAsync(new() { Timeout = (float)Wait.Timeout.TotalMilliseconds });

    public Task SeesAsync(string selector, string text) => Assertions.Expect(Page.Locator(selector).First).ToContainTextAsync(text, new() { Timeout = (float)Wait.Timeout.TotalMilliseconds });

    public Task CountAsync(string selector, int count) => Assertions.Expect(Page.Locator(selector)).ToHaveCountAsync(count, new() { Timeout = (float)Wait.Timeout.TotalMilliseconds });

    /// <summary>Presses a button and answers the question that it asks with yes.</summary>
    public async Task ConfirmAsync(string button)
    {
        await Page.Locator(button).First.ClickAsync();
        await Page.Locator("#dialog-yes").ClickAsync();
    }

    /// <summary>Looks for breaches of WCAG 2.2 AA with axe-core. Nothing may be found, and the page may not have complained.</summary>
    public async Task AssertAccessibleAsync()
    {
        // Run beside the page's own scripts, whose security policy does not allow it: as the browser's tools do.
        JsonElement? found = await Page.EvaluateAsync($$"""
            async () => {
              const module = { exports: {} };
              {{s_axe}}
              const result = await window.axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } });
              return result.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).join(' | ')}`);
            }
            """);
        Assert.Empty(found!.Value.EnumerateArray().Select(static v => v.GetString()));
    }

    /// <summary>Keeps a picture where MTATLS_TEST_SCREENSHOTS names a folder, for those who want to look at it.</summary>
    public async Task PictureAsync(string name)
    {
        byte[] picture = await Page.ScreenshotAsync(new() { Timeout = (float)Wait.Timeout.TotalMilliseconds });
        // A blank page of this size compresses to a few thousand bytes.
        Assert.True(picture.Length > 8_000, $"The picture of {name} is empty.");
        if (Environment.GetEnvironmentVariable("MTATLS_TEST_SCREENSHOTS") is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
            await File.WriteAllBytesAsync(Path.Combine(folder, $"{name}.png"), picture);
        }
    }

    /// <summary>The page is no wider than its window: only its tables scroll.</summary>
    public async Task AssertFitsAsync()
        => Assert.True(await Page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= window.innerWidth"), "The page is wider than its window.");

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();

    private static string ReadAxe()
    {
        using StreamReader reader = new(typeof(Visit).Assembly.GetManifestResourceStream("axe.min.js")!);
        return reader.ReadToEnd();
    }
}
