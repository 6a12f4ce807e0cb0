namespace MtaTls.Repository.Tests.Packages;

/// <summary>The version of the packages, which comes from git tags.</summary>
public class VersionTests
{
    [Fact]
    public async Task A_tag_is_the_version_and_what_comes_after_it_is_a_preview()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-version-");
        try
        {
            string clone = Path.Combine(folder.FullName, "clone");
            await Command.RunAsync(folder.FullName, "git", ["clone", "-q", "--no-tags", Repository.Root, clone]);
            Assert.StartsWith("0.1.0-alpha.0.", await VersionAsync(clone), StringComparison.Ordinal);
            await Command.RunAsync(clone, "git", ["tag", "v9.8.7"]);
            Assert.Equal("9.8.7", await VersionAsync(clone));
            await Command.RunAsync(clone, "git", ["-c", "user.name=test", "-c", "user.email=test@test", "commit", "-q", "--allow-empty", "-m", "after it"]);
            Assert.Equal("9.8.8-alpha.0.1", await VersionAsync(clone));
            Assert.Equal("3.2.1", await VersionAsync(clone, "-p:Version=3.2.1"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> VersionAsync(string clone, params string[] arguments)
    {
        string project = Path.Combine(clone, "src", "MtaTls.Protocol", "MtaTls.Protocol.csproj");
        await Command.RunAsync(clone, "dotnet", ["restore", project]);
        return (await Command.RunAsync(clone, "dotnet", ["msbuild", project, "-t:MinVer", "-getProperty:PackageVersion", .. arguments])).Trim();
    }
}
