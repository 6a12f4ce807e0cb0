using System.Text.RegularExpressions;

namespace MtaTls.Documentation.Tests.Pages;

/// <summary>Links between pages: the file and the heading exist. Links to other sites are not checked.</summary>
public sealed partial class LinkTests
{
    public static TheoryData<string> Pages() => [.. Repository.Pages().Concat(["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_works(string page) => Assert.Empty(Broken(page, Repository.Read(page)));

    [Theory]
    [InlineData("[x](no-such-page.md)")]
    [InlineData("[x](options.md#no-such-heading)")]
    [InlineData("[x](#no-such-heading)")]
    [InlineData("![x](no-such-picture.svg)")]
    public void A_broken_link_is_found(string text) => Assert.Single(Broken("docs/security.md", text));

    [Fact]
    public void Each_page_is_in_the_table_of_contents()
    {
        string contents = Repository.Read("docs/toc.yml");
        Assert.All(Repository.Pages().Where(static p => p.StartsWith("docs/", StringComparison.Ordinal)), p => Assert.Contains($"href: {p["docs/".Length..]}\n", contents, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Broken(string page, string text)
    {
        foreach (string target in Link().Matches(Fence().Replace(text, "")).Select(static m => m.Groups["target"].Value))
        {
            if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal))
            {
                continue;
            }

            string[] parts = target.Split('#', 2);
            string path = parts[0].Length == 0 ? page : Path.GetRelativePath(Repository.Root, Path.Combine(Path.GetDirectoryName(Repository.PathOf(page))!, parts[0])).Replace(Path.DirectorySeparatorChar, '/');
            if (!Path.Exists(Repository.PathOf(path)) || (parts.Length == 2 && !Headings(path == page && parts[0].Length == 0 ? text : Repository.Read(path)).Contains(parts[1])))
            {
                yield return $"{page}: {target}";
            }
        }
    }

    // The anchors that GitHub and docfx make for headings.
    private static HashSet<string> Headings(string text)
        => [.. Heading().Matches(Fence().Replace(text, "")).Select(static m => NotInAnchors().Replace(m.Groups["text"].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();

    [GeneratedRegex(@"^#{1,6} (?<text>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchors();
}
