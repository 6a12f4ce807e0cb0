using System.Globalization;
using System.IO.Compression;
using System.Xml.Linq;

namespace MtaTls.Repository.Tests.Packages;

/// <summary>The collection of test classes that share the packed packages.</summary>
[CollectionDefinition(PackedPackages.Collection)]
public sealed class PackedPackagesCollection : ICollectionFixture<PackedPackages>;

/// <summary>All packages, packed once into a folder outside the repository, and applications that use them.</summary>
public sealed class PackedPackages : IAsyncLifetime
{
    public const string Collection = "packed packages";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-packages-");
    private readonly string _consumers;
    // The version is unique for each run, so that no cache has it.
    private readonly string _version = "0.1.0-test." + DateTime.UtcNow.ToString("yyyyMMddHHmmssfff", CultureInfo.InvariantCulture);

    public PackedPackages()
    {
        _consumers = Path.Combine(_folder.FullName, "consumers");
        Folder = _folder.CreateSubdirectory("packed").FullName;
    }

    /// <summary>The folder of the .nupkg files.</summary>
    public string Folder { get; }

    public async ValueTask InitializeAsync()
    {
        foreach (string project in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories).Where(static p => !p.Contains("/templates/", StringComparison.Ordinal)))
        {
            await Command.RunAsync(Repository.Root, "dotnet", ["pack", project, "--no-build", "-c", Repository.Configuration, "-o", Folder, $"-p:Version={_version}", "-nodeReuse:false", "-nologo"]);
        }

        CopyFolder(Path.Combine(Repository.Root, "tests", "MtaTls.Repository.Tests", "Consumers"), _consumers);
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        await File.WriteAllTextAsync(Path.Combine(_consumers, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="packed" value="{Folder}" /></packageSources>
              <fallbackPackageFolders><add key="machine" value="{packages}" /></fallbackPackageFolders>
            </configuration>
            """);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>The version of all packages.</summary>
    public string Version => _version;

    /// <summary>The folder for the consumers' unpacked packages.</summary>
    public string Cache => Path.Combine(_folder.FullName, "cache");

    /// <summary>Creates a folder in which the packed packages are restored.</summary>
    public string CreateConsumerFolder(string name) => Directory.CreateDirectory(Path.Combine(_consumers, name)).FullName;

    /// <summary>A folder that is deleted with the packages.</summary>
    public string CreateFolder(string name) => _folder.CreateSubdirectory(name).FullName;

    /// <summary>The lowest version of a dependency that a package accepts.</summary>
    public string LowestVersion(string package, string dependency)
    {
        using ZipArchive archive = ZipFile.OpenRead(Path.Combine(Folder, $"{package}.{_version}.nupkg"));
        using Stream stream = archive.Entries.Single(static e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream).Descendants().Single(e => e.Name.LocalName == "dependency" && (string?)e.Attribute("id") == dependency).Attribute("version")!.Value;
    }

    /// <summary>Publishes one of the applications and returns the path of its executable.</summary>
    public async Task<string> PublishAsync(string consumer, string name, params string[] arguments)
    {
        // Each way of publishing has its own folder, because the files in obj differ.
        string project = Path.Combine(_consumers, consumer + "-" + name), output = Path.Combine(project, "out");
        CopyFolder(Path.Combine(_consumers, consumer), project);
        await Command.RunAsync(project, "dotnet",
            ["publish", Path.Combine(project, consumer + ".csproj"), "-c", "Release", "-o", output, $"-p:MtaTlsVersion={_version}", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-nologo", .. arguments],
            new Dictionary<string, string> { ["NUGET_PACKAGES"] = Cache });
        return Path.Combine(output, consumer);
    }

    /// <summary>Copies a folder's source files.</summary>
    public static void CopyFolder(string from, string to, Func<string, bool>? counts = null)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => counts is null || counts(file)))
        {
            string path = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(file, path);
        }
    }
}
