using System.Reflection;

namespace MtaTls;

/// <summary>The version of the package, for its meters and activity sources.</summary>
internal static class LibraryVersion
{
    public static string Value { get; } = Read();

    private static string Read()
    {
        string version = typeof(LibraryVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        int build = version.IndexOf('+', StringComparison.Ordinal);
        return build < 0 ? version : version[..build];
    }
}
