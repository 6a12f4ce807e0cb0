using System.Text.RegularExpressions;

namespace MtaTls.Documentation.Tests.Snippets;

/// <summary>A fenced block of a page.</summary>
/// <param name="Page">The page.</param>
/// <param name="Line">The line of its first line of code.</param>
/// <param name="Code">The code.</param>
internal sealed partial record Snippet(string Page, int Line, string Code)
{
    /// <summary>The blocks of a language on all pages.</summary>
    public static IEnumerable<Snippet> Find(string language)
    {
        foreach (string page in Repository.Pages())
        {
            string text = Repository.Read(page);
            foreach (Match match in Fence().Matches(text))
            {
                if (match.Groups["language"].Value == language)
                {
                    Group code = match.Groups["code"];
                    yield return new Snippet(page, text.AsSpan(0, code.Index).Count('\n') + 1, code.Value);
                }
            }
        }
    }

    public override string ToString() => $"{Page}:{Line}";

    [GeneratedRegex(@"^```(?<language>\w+)[^\n]*\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Fence();
}
