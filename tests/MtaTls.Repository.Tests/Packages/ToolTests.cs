using System.Runtime.InteropServices;

namespace MtaTls.Repository.Tests.Packages;

/// <summary>The command mtatls as users get it: a .NET tool, and a native executable.</summary>
[Collection(PackedPackages.Collection)]
public sealed class ToolTests(PackedPackages packages)
{
    [Fact]
    public async Task The_command_is_installed_as_a_tool_and_runs()
    {
        string folder = packages.CreateFolder("tool");
        await Command.RunAsync(folder, "dotnet", ["tool", "install", "mtatls", "--tool-path", folder, "--version", packages.Version, "--source", packages.Folder]);
        string program = Path.Combine(folder, "mtatls");
        Assert.StartsWith("0.1.0", (await Command.RunAsync(folder, program, ["--version"])).Trim(), StringComparison.Ordinal);
        Assert.Contains(" serve ", await Command.RunAsync(folder, program, ["--help"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_compiles_to_native_code_without_a_warning()
    {
        Assert.SkipUnless(ConsumerTests.HasLinker(), "clang is not installed.");
        // The sources are copied to a separate folder, because the repository's lock files do not contain the packages for native code.
        string folder = packages.CreateFolder("native-tool");
        foreach (string file in Directory.EnumerateFiles(Repository.Root, "Directory.*").Append(Path.Combine(Repository.Root, "global.json")).Append(Path.Combine(Repository.Root, ".editorconfig")))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        PackedPackages.CopyFolder(
            Path.Combine(Repository.Root, "src"), Path.Combine(folder, "src"), static file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal) && Path.GetFileName(file) != "packages.lock.json");
        string output = Path.Combine(folder, "out");
        await Command.RunAsync(folder, "dotnet", ["publish", "src/MtaTls.Tool", "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "-o", output, "-p:PublishAot=true", "-p:TrimmerSingleWarn=false", "-p:StripSymbols=true",
            "-p:RestorePackagesWithLockFile=false", "-p:EnableSourceControlManagerQueries=false", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-nologo"]);
        string program = Path.Combine(output, "mtatls");
        Assert.False(File.Exists(program + ".dll"));
        string help = await Command.RunAsync(output, program, ["--help"]);
        Assert.Contains("forward", help, StringComparison.Ordinal);
        Assert.DoesNotContain(" serve ", help, StringComparison.Ordinal);
        Assert.Contains("ca.pem", await Command.RunAsync(output, program, ["cert", "ca"]), StringComparison.Ordinal);
        Assert.Contains("server.pem", await Command.RunAsync(output, program, ["cert", "server", "localhost"]), StringComparison.Ordinal);
    }
}
