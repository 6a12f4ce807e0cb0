using System.Text.Json;
using System.Text.Json.Nodes;

namespace MtaTls.Documentation.Tests;

/// <summary>The files of the repository that these tests check.</summary>
internal static class Repository
{
    private static readonly string[] s_ignored = ["bin", "obj", ".git", "node_modules"];

    public static string Root { get; } = FindRoot();

    /// <summary>Whether generated files are written instead of compared. Set MTATLS_UPDATE=1, run the tests, and review the difference.</summary>
    public static bool Updates => Environment.GetEnvironmentVariable("MTATLS_UPDATE") == "1";

    public static string PathOf(string relative) => Path.Combine(Root, relative.Replace('/', Path.DirectorySeparatorChar));

    public static string Read(string relative) => File.ReadAllText(PathOf(relative));

    /// <summary>README.md and every page of docs.</summary>
    public static IEnumerable<string> Pages() => Files("*.md").Where(static f => f is "README.md" || f.StartsWith("docs/", StringComparison.Ordinal) || f == "samples/README.md" || (f.StartsWith("src/", StringComparison.Ordinal) && f.EndsWith("/README.md", StringComparison.Ordinal)));

    public static IEnumerable<string> SettingsFiles() => Files("appsettings*.json");

    /// <summary>Compares a generated file with the existing one, or writes it.</summary>
    public static void AssertUpToDate(string relative, string expected)
    {
        if (Updates)
        {
            File.WriteAllText(PathOf(relative), expected);
        }

        string actual = File.Exists(PathOf(relative)) ? Read(relative) : "";
        Assert.True(expected == actual, $"{relative} does not match the settings. Run MTATLS_UPDATE=1 dotnet test tests/MtaTls.Documentation.Tests and commit the result.");
    }

    /// <summary>Parses JSON as .NET's configuration does, with comments and trailing commas.</summary>
    public static JsonNode ParseJson(string text) => JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true })!;

    private static IEnumerable<string> Files(string pattern)
        => Directory.EnumerateFiles(Root, pattern, SearchOption.AllDirectories)
            .Select(static f => Path.GetRelativePath(Root, f).Replace(Path.DirectorySeparatorChar, '/'))
            .Where(static f => !f.Split('/').Any(s_ignored.Contains))
            .Order(StringComparer.Ordinal);

    private static string FindRoot()
    {
        DirectoryInfo directory = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "MtaTls.AspNetCore.sln")))
        {
            directory = directory.Parent!;
        }

        return directory.FullName;
    }
}
