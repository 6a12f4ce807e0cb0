using System.Reflection;

namespace MtaTls.Repository.Tests;

/// <summary>The working tree that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The configuration that the tests were built in; other projects of the solution were built in the same.</summary>
    public static string Configuration { get; } = typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    /// <summary>All files with this ending, as paths relative to the root; outputs of builds are left out.</summary>
    public static IEnumerable<string> Files(string ending) =>
        from folder in (string[])["src", "tests", "samples", "docs"]
        from file in Directory.EnumerateFiles(Path.Combine(Root, folder), "*" + ending, SearchOption.AllDirectories)
        let path = Path.GetRelativePath(Root, file)
        where !path.Split(Path.DirectorySeparatorChar).Any(static part => part is "bin" or "obj" or "TestResults")
        orderby path
        select path;

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MtaTls.AspNetCore.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("The tests are not inside the repository.");
    }
}
