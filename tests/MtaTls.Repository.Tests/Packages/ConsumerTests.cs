using System.Diagnostics;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Xml.Linq;

namespace MtaTls.Repository.Tests.Packages;

/// <summary>Applications in an empty folder, with only the packed packages. They build without a warning, and they work.</summary>
[Collection(PackedPackages.Collection)]
public sealed class ConsumerTests(PackedPackages packages)
{
    private const string ChannelsOutput = "a channel, a connection, 1 handshake";
    private const string ProxyOutput = "/hello for pages.internal";
    // The newest releases.
    private const string NewestExtensions = "11.0.0";
    private const string NewestYarp = "2.3.0";

    [Fact]
    public async Task Reverse_proxy_works_beside_the_oldest_versions_that_it_takes() => await ProxyAsync("oldest",
        packages.LowestVersion("MtaTls.ReverseProxy", "Yarp.ReverseProxy"), packages.LowestVersion("MtaTls.Client", "Microsoft.Extensions.Http"));

    [Fact]
    public async Task Reverse_proxy_works_beside_the_newest_versions() => await ProxyAsync("newest", NewestYarp, NewestExtensions);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_works_without_the_shared_framework(bool newest)
    {
        string version = newest ? NewestExtensions : packages.LowestVersion("MtaTls.Client", "Microsoft.Extensions.Http");
        string name = newest ? "newest" : "oldest";
        string client = await packages.PublishAsync("Client", name, $"-p:ExtensionsVersion={version}");
        string server = await packages.PublishAsync("Channels", "for-client-" + name);
        string certificate = Path.Combine(Path.GetDirectoryName(client)!, "server.pem");
        using Process process = Command.Start(Path.GetDirectoryName(server)!, server, ["serve", certificate]);
        try
        {
            string port = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException(await process.StandardError.ReadToEndAsync());
            Assert.Equal("a channel", (await Command.RunAsync(Path.GetDirectoryName(client)!, client, [port, certificate])).Trim());
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task Packages_but_the_reverse_proxy_compile_to_native_code_without_a_warning()
    {
        Assert.SkipUnless(HasLinker(), "clang is not installed.");
        string program = await packages.PublishAsync("Channels", "native", "-r", RuntimeInformation.RuntimeIdentifier, "-p:PublishAot=true", "-p:TrimmerSingleWarn=false", "-p:StripSymbols=true");
        await RunsAsync(program, ChannelsOutput);
        Assert.False(File.Exists(program + ".dll"));
    }

    [Fact]
    public async Task Packages_but_the_reverse_proxy_are_trimmed_without_a_warning()
    {
        string program = await packages.PublishAsync("Channels", "trimmed", "-r", RuntimeInformation.RuntimeIdentifier, "-p:PublishTrimmed=true", "-p:TrimmerSingleWarn=false");
        await RunsAsync(program, ChannelsOutput);
    }

    // The reverse proxy is neither trimmed nor compiled to native code, because YARP has no annotations for trimming.
    [Theory]
    [InlineData("Channels", ChannelsOutput)]
    [InlineData("Proxy", ProxyOutput)]
    public async Task Packages_work_in_a_single_file(string consumer, string output)
    {
        string program = await packages.PublishAsync(consumer, "single", "-r", RuntimeInformation.RuntimeIdentifier, "--self-contained", "false", "-p:PublishSingleFile=true");
        await RunsAsync(program, output);
        Assert.False(File.Exists(program + ".dll"));
    }

    [Fact]
    public void Each_package_has_its_own_readme_an_icon_and_the_commit_that_it_was_made_from()
    {
        string[] files = [.. Directory.EnumerateFiles(packages.Folder, "*.nupkg")];
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            using ZipArchive archive = ZipFile.OpenRead(file);
            using Stream nuspec = archive.Entries.Single(static e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
            var metadata = XDocument.Load(nuspec).Root!.Elements().First().Elements().ToDictionary(static e => e.Name.LocalName);
            using var readme = new StreamReader(archive.GetEntry(metadata["readme"].Value)!.Open());
            Assert.Equal($"# {metadata["id"].Value}", readme.ReadLine());
            Assert.NotNull(archive.GetEntry(metadata["icon"].Value));
            Assert.Equal("MIT", metadata["license"].Value);
            Assert.NotEqual("", metadata["description"].Value);
            Assert.Matches("^[0-9a-f]{40}$", (string?)metadata["repository"].Attribute("commit"));
        }
    }

    private async Task ProxyAsync(string name, string yarp, string extensions) =>
        await RunsAsync(await packages.PublishAsync("Proxy", name, $"-p:YarpVersion={yarp}", $"-p:ExtensionsVersion={extensions}"), ProxyOutput);

    private static async Task RunsAsync(string program, string output) =>
        Assert.Equal(output, (await Command.RunAsync(Path.GetDirectoryName(program)!, program, [])).Trim());

    internal static bool HasLinker() => OperatingSystem.IsWindows() || Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "clang")));
}
