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

    // A test that reads the output of another process names the event in a comment.
    [Fact]
    public void Each_warning_and_error_is_named_by_a_test_that_makes_the_product_print_it()
    {
        string tests = string.Concat(Sources("tests", except: "MtaTls.Documentation.Tests"));
        string[] unnamed = [.. Events()
            .Where(static e => e.Level is "Warning" or "Error" or "Critical")
            .Select(static e => e.Name)
            .Where(name => !Regex.IsMatch(tests, $@"\b{name}\b"))];
        Assert.Equal(s_notMade.Keys.Order(), unnamed.Distinct().Order());
    }

    [Fact]
    public void Each_event_on_the_page_exists()
    {
        HashSet<string> names = [.. Events().Select(static e => e.Name)];
        // Code words in the column of logs that look like event names.
        IEnumerable<string> named = Rows().SelectMany(static row => Name().Matches(row[2]).Select(static m => m.Groups["name"].Value));
        Assert.All(named, name => Assert.True(names.Contains(name) || s_otherNames.Contains(name), $"{name} is not an event."));
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

    // The concentrator and the client each log the events of packet interfaces in their own category, so ids are unique in the package.
    [Fact]
    public void Each_event_of_the_QUIC_tunnel_has_an_id_of_its_own()
    {
        string[] ids = [.. Sources("src/MtaTls.QuicTunnel").SelectMany(static s => Id().Matches(s)).Select(static m => m.Groups["id"].Value)];
        Assert.NotEmpty(ids);
        Assert.Equal(ids.Order(), ids.Distinct().Order());
    }

    // Warnings and errors that no test can make the product print, and why.
    private static readonly Dictionary<string, string> s_notMade = new()
    {
        ["NotAPeer"] = "The handshake checks the same condition, which does not change while the process runs.",
    };

    // Code words in the column of logs that are not event names.
    private static readonly string[] s_otherNames = ["TooManyOpenSockets", "ConnectionRefused"];

    private static IEnumerable<(string Level, string Name)> Events()
        => Sources().SelectMany(static s => Definition().Matches(s)).Select(static m => (m.Groups["level"].Value, m.Groups["name"].Value));

    private static IEnumerable<string> Sources(string folder = "src", string? except = null)
        => Directory.EnumerateFiles(Repository.PathOf(folder), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin" || part == except))
            .Select(File.ReadAllText);

    private static IEnumerable<string[]> Rows()
        => Repository.Read(Page).Split('\n')
            .Where(static l => l.StartsWith("| ", StringComparison.Ordinal) && !l.StartsWith("| Symptom", StringComparison.Ordinal))
            .Select(static l => l.Trim('|').Split(" | ").Select(static cell => cell.Trim()).ToArray());

    [GeneratedRegex(@"\[LoggerMessage\([^\n]*?LogLevel\.(?<level>\w+)[^\n]*?(EventName = ""(?<name>\w+)""[^\n]*)?\)\]", RegexOptions.ExplicitCapture)]
    private static partial Regex Definition();

    [GeneratedRegex(@"\[LoggerMessage\((?<id>\d+),", RegexOptions.ExplicitCapture)]
    private static partial Regex Id();

    [GeneratedRegex(@"`(?<name>[A-Z][a-z]\w*[A-Z]\w*)`", RegexOptions.ExplicitCapture)]
    private static partial Regex Name();
}
