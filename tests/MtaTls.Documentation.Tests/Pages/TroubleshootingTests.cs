using System.Text.RegularExpressions;

namespace MtaTls.Documentation.Tests.Pages;

/// <summary>Each warning and error that the packages can log is on the troubleshooting page, and the page names no event that does not exist.</summary>
public sealed partial class TroubleshootingTests
{
    private const string Page = "docs/troubleshooting.md";

    [Fact]
    public void Each_warning_and_error_is_on_the_page()
    {
        string page = Repository.Read(Page);
        Assert.All(Events().Where(static e => e.Level is "Warning" or "Error" or "Critical"), e => Assert.Contains($"`{e.Name}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Each_event_on_the_page_exists()
    {
        HashSet<string> names = [.. Events().Select(static e => e.Name)];
        // In the column of logs, words in code that look like names of events.
        IEnumerable<string> named = Rows().SelectMany(static row => Name().Matches(row[2]).Select(static m => m.Groups["name"].Value));
        Assert.All(named, name => Assert.True(names.Contains(name) || s_otherNames.Contains(name), $"{name} is no event."));
    }

    [Fact]
    public void Each_row_has_a_symptom_a_cause_a_log_and_a_fix()
    {
        Assert.True(Rows().Count() >= 25);
        Assert.All(Rows(), static row => Assert.Equal(4, row.Count(static cell => cell.Length > 0)));
    }

    [Fact]
    public void Each_message_names_its_event()
        => Assert.All(Sources().SelectMany(static s => Definition().Matches(s)), static m => Assert.Contains("EventName", m.Value, StringComparison.Ordinal));

    // Words in the column of logs that are none of events.
    private static readonly string[] s_otherNames = ["TooManyOpenSockets"];

    private static IEnumerable<(string Level, string Name)> Events()
        => Sources().SelectMany(static s => Definition().Matches(s)).Select(static m => (m.Groups["level"].Value, m.Groups["name"].Value));

    private static IEnumerable<string> Sources()
        => Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Where(static f => !f.Split(Path.DirectorySeparatorChar).Any(static part => part is "obj" or "bin"))
            .Select(File.ReadAllText);

    private static IEnumerable<string[]> Rows()
        => Repository.Read(Page).Split('\n')
            .Where(static l => l.StartsWith("| ", StringComparison.Ordinal) && !l.StartsWith("| Symptom", StringComparison.Ordinal))
            .Select(static l => l.Trim('|').Split(" | ").Select(static cell => cell.Trim()).ToArray());

    [GeneratedRegex(@"\[LoggerMessage\([^\n]*?LogLevel\.(?<level>\w+)[^\n]*?(EventName = ""(?<name>\w+)""[^\n]*)?\)\]", RegexOptions.ExplicitCapture)]
    private static partial Regex Definition();

    [GeneratedRegex(@"`(?<name>[A-Z][a-z]\w*[A-Z]\w*)`", RegexOptions.ExplicitCapture)]
    private static partial Regex Name();
}
