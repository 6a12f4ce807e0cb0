using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace MtaTls.Repository.Tests.Packages;

/// <summary>The container image of the command mtatls: its content, and that it runs without root on a read-only file system.</summary>
public class ContainerTests
{
    [Fact]
    public async Task The_image_runs_a_gateway_without_root_on_a_read_only_file_system()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-container-");
        try
        {
            await using ImageRegistry registry = await ImageRegistry.StartAsync(folder.FullName);
            string archive = Path.Combine(folder.FullName, "image.tar");
            await Command.RunAsync(
                Repository.Root, "dotnet",
                ["publish", "src/MtaTls.Tool", "--no-build", "-c", Repository.Configuration, "-t:PublishContainer", "-o", Path.Combine(folder.FullName, "published"), $"-p:ContainerBaseImage={registry.BaseImage}", $"-p:ContainerArchiveOutputPath={archive}", "-nodeReuse:false", "-nologo"],
                new Dictionary<string, string> { ["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = registry.Address });
            string image = Path.Combine(folder.FullName, "image");
            await TarFile.ExtractToDirectoryAsync(archive, Directory.CreateDirectory(image).FullName, overwriteFiles: false);
            JsonNode manifest = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(image, "manifest.json")))![0]!;
            JsonNode config = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(image, (string)manifest["Config"]!)))!["config"]!;
            Assert.Equal("1654", (string?)config["User"]);
            Assert.Equal("""["serve","--config","/etc/mtatls/appsettings.json"]""", config["Cmd"]!.ToJsonString());
            Assert.Equal(["8080/tcp", "8443/tcp"], config["ExposedPorts"]!.AsObject().Select(static p => p.Key).Order());
            Assert.StartsWith("0.1.0-alpha.", (string?)config["Labels"]!["org.opencontainers.image.version"], StringComparison.Ordinal);

            string root = Directory.CreateDirectory(Path.Combine(folder.FullName, "root")).FullName;
            foreach (JsonNode? layer in manifest["Layers"]!.AsArray())
            {
                await ExtractLayerAsync(Path.Combine(image, (string)layer!), root);
            }

            await RunAsync(folder.FullName, root, config);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task ExtractLayerAsync(string layer, string root)
    {
        await using FileStream file = File.OpenRead(layer);
        bool compressed = file.ReadByte() == 0x1f;
        file.Position = 0;
        await using Stream content = compressed ? new GZipStream(file, CompressionMode.Decompress) : file;
        await TarFile.ExtractToDirectoryAsync(content, root, overwriteFiles: true);
    }

    /// <summary>Runs the image's command as the image's user. The runtime of this machine replaces that of the base image.</summary>
    private static async Task RunAsync(string folder, string root, JsonNode config)
    {
        string settings = Directory.CreateDirectory(Path.Combine(folder, "settings")).FullName;
        string[] program = [.. config["Entrypoint"]!.AsArray().Concat(config["Cmd"]!.AsArray()).Select(static n => (string)n!)];
        await Command.RunAsync(settings, "dotnet", [Path.Combine(root, "app", "mtatls.dll"), "cert", "ca"]);
        await Command.RunAsync(settings, "dotnet", [Path.Combine(root, "app", "mtatls.dll"), "cert", "server", "localhost"]);
        await File.WriteAllTextAsync(Path.Combine(settings, "appsettings.json"), """
            { "MtaTls": { "Limits": { "HandshakeTimeout": "00:05:00" }, "Endpoints": { "Public": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "server.pem", "KeyPath": "server.key" } } } },
              "Gateway": { "HealthUrl": "http://127.0.0.1:0" } }
            """);
        string runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        List<string> arguments =
        [
            "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin", "--ro-bind", "/etc/ssl", "/etc/ssl", "--ro-bind", Path.Combine(root, "etc", "passwd"), "/etc/passwd",
            "--ro-bind", runtime, "/dotnet", "--ro-bind", settings, "/etc/mtatls", "--ro-bind", Path.Combine(root, "app"), "/app",
            "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev", "--unshare-user", "--unshare-pid", "--uid", (string)config["User"]!, "--gid", (string)config["User"]!,
            "--chdir", "/app", "--remount-ro", "/", "--clearenv", "--setenv", "DOTNET_ROOT", "/dotnet", "--setenv", "HOME", "/home/app",
        ];
        foreach (string[] pair in config["Env"]!.AsArray().Select(static e => ((string)e!).Split('=', 2)))
        {
            arguments.AddRange(["--setenv", pair[0], pair[0] == "PATH" ? "/dotnet:/usr/bin" : pair[1]]);
        }

        Process process;
        try
        {
            process = Command.Start(folder, "bwrap", [.. arguments, "--die-with-parent", .. program]);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("bubblewrap is not installed.");
            throw;
        }

        using (process)
        {
            List<string> lines = [];
            using CancellationTokenSource hang = new(TimeSpan.FromMinutes(10));
            Task<string> errors = process.StandardError.ReadToEndAsync(hang.Token);
            string? Listening(string scheme) => lines.Select(static l => l.Split(' ')[^1]).FirstOrDefault(l => l.StartsWith(scheme + "://127.0.0.1", StringComparison.Ordinal));
            // The log has its own thread, so its lines may come after the last one of the command.
            while ((!lines.Contains("mtatls: ready.") || Listening("http") is null || Listening("https") is null) && await process.StandardOutput.ReadLineAsync(hang.Token) is { } line)
            {
                lines.Add(line);
            }

            Assert.SkipWhen(lines.Count == 0 && process.WaitForExit(1000) && (await errors).StartsWith("bwrap:", StringComparison.Ordinal), "bubblewrap can't run here.");
            Assert.True(lines.Contains("mtatls: ready."), string.Join('\n', lines));
            using HttpClient http = new(new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, certificate, _, _) => certificate!.Subject == "CN=localhost" });
            Assert.Equal("Healthy", await http.GetStringAsync(new Uri(Listening("http") + "/health"), hang.Token));
            Assert.Equal("Healthy", await http.GetStringAsync(new Uri(Listening("http") + "/ready"), hang.Token));
            Assert.Equal(404, (int)(await http.GetAsync(new Uri(Listening("https")!), hang.Token)).StatusCode);
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(hang.Token);
        }
    }
}
