namespace MtaTls.Repository.Tests;

/// <summary>Rules for source files that no analyzer checks.</summary>
public class SourceFileTests
{
    private const int MaxLines = 500;

    [Fact]
    public void No_file_has_more_than_500_lines()
    {
        string[] files = [.. Repository.Files(".cs")];
        Assert.NotEmpty(files);
        AssertNone(
            from file in files
            let lines = File.ReadLines(Path.Combine(Repository.Root, file)).Count()
            where lines > MaxLines
            select $"{file} has {lines} lines");
    }

    [Fact]
    public void Usings_are_sorted_with_System_first()
    {
        AssertNone(
            from file in Repository.Files(".cs")
            let usings = File.ReadLines(Path.Combine(Repository.Root, file))
                .TakeWhile(static line => !line.StartsWith("namespace ", StringComparison.Ordinal))
                .Where(static line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') && !line.Contains('=') && !line.StartsWith("using static ", StringComparison.Ordinal) && !line.StartsWith("using var ", StringComparison.Ordinal))
                .Select(static line => line["using ".Length..^1])
                .ToArray()
            where !usings.SequenceEqual(usings.Order(Comparer<string>.Create(Compare)))
            select file);
    }

    private static void AssertNone(IEnumerable<string> findings)
    {
        string[] all = [.. findings];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }

    private static int Compare(string x, string y)
    {
        bool xIsSystem = IsSystem(x), yIsSystem = IsSystem(y);
        return xIsSystem != yIsSystem ? (xIsSystem ? -1 : 1) : CompareNames(x.Split('.'), y.Split('.'));
    }

    private static int CompareNames(string[] x, string[] y)
    {
        for (int i = 0; i < Math.Min(x.Length, y.Length); i++)
        {
            int order = string.Compare(x[i], y[i], StringComparison.OrdinalIgnoreCase);
            if (order != 0)
            {
                return order;
            }
        }

        return x.Length.CompareTo(y.Length);
    }

    private static bool IsSystem(string name) => name == "System" || name.StartsWith("System.", StringComparison.Ordinal);
}
