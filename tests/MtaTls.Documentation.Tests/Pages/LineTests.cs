namespace MtaTls.Documentation.Tests.Pages;

/// <summary>Lines of pages have at most 120 characters, so that two pages fit next to each other. Table rows and lines with only a link may be longer, because they can't be broken.</summary>
public sealed class LineTests
{
    public static TheoryData<string> Pages() => [.. Repository.Pages().Where(static p => p != "docs/options.md").Concat(["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Each_line_has_at_most_120_characters(string page) => Assert.Empty(TooLong(Repository.Read(page)));

    [Fact]
    public void A_line_that_is_too_long_is_found() => Assert.Single(TooLong($"short\n| {new string('x', 130)} |\nword {new string('x', 130)}"));

    private static IEnumerable<string> TooLong(string text)
        => text.Split('\n').Where(static l => l.Length > 120 && !l.StartsWith('|') && (l.TrimStart().Contains(' ', StringComparison.Ordinal) || !l.Contains("://", StringComparison.Ordinal)));
}
