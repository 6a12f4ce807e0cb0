using System.Reflection;

namespace MtaTls.Repository.Tests;

/// <summary>The working tree from which the tests were built.</summary>
internal static class Repository
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The build configuration of the tests. Other projects of the solution have the same.</summary>
    public static string Configuration { get; } = typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    /// <summary>All files with this ending, without build outputs, as paths relative to the root.</summary>
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
