using System.Text.Json;
using Microsoft.Playwright;

namespace MtaTls.Dashboard.Tests.Support;

/// <summary>A page in the browser. It collects all problems: script errors, files that the security policy blocks, requests to other origins.</summary>
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
            // Failed requests are not collected: some tests need them, and the page itself shows them.
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

    /// <summary>Presses a button and confirms its question.</summary>
    public async Task ConfirmAsync(string button)
    {
        await Page.Locator(button).First.ClickAsync();
        await Page.Locator("#dialog-yes").ClickAsync();
    }

    /// <summary>Checks WCAG 2.2 AA with axe-core. There may be no violations, and no problems of the page.</summary>
    public async Task AssertAccessibleAsync()
    {
        // The page's security policy does not allow axe-core, so it is added as the browser's developer tools would do it.
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

    /// <summary>Saves a screenshot to the folder in MTATLS_TEST_SCREENSHOTS, if it is set.</summary>
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

    /// <summary>Checks that the page is not wider than its window. Only tables scroll.</summary>
    public async Task AssertFitsAsync()
        => Assert.True(await Page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= window.innerWidth"), "The page is wider than its window.");

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();

    private static string ReadAxe()
    {
        using StreamReader reader = new(typeof(Visit).Assembly.GetManifestResourceStream("axe.min.js")!);
        return reader.ReadToEnd();
    }
}
