using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Failures of what the server runs on: the system's limits, and a version of Kestrel that the package does not know.</summary>
public class ServerFailureTests
{
    [Fact]
    public async Task Without_file_descriptors_the_log_names_the_limit_and_the_server_accepts_again_when_it_is_raised()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "prlimit exists only on Linux.");
        await using ServerProcess server = await ServerProcess.StartAsync([]);
        // Assemblies are files too. .NET does not try again to load one that it could not open.
        Assert.Equal("Hello, World!", await GetAsync(server.Port));
        await server.LimitFilesAsync(Directory.GetFiles($"/proc/{server.Id}/fd").Length);
        List<Socket> connections = [];
        try
        {
            // AcceptFailed
            await Wait.UntilAsync(() =>
            {
                Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                connections.Add(socket);
                socket.Connect(IPAddress.Loopback, server.Port);
                return server.Log.Contains("cannot accept connections (TooManyOpenSockets)", StringComparison.Ordinal);
            });
        }
        finally
        {
            connections.ForEach(static c => c.Dispose());
        }

        await server.LimitFilesAsync(1_000);
        // At first the connections that waited are accepted, and limits of handshakes may refuse others.
        string answer = "";
        await Wait.UntilAsync(() =>
        {
            try
            {
                answer = GetAsync(server.Port).GetAwaiter().GetResult();
                return true;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        Assert.Equal("Hello, World!", answer);
    }

    [Fact]
    public async Task A_version_of_Kestrel_without_the_members_that_the_package_reads_serves_ordinary_HTTPS_with_a_warning()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The copy of .NET is made of symbolic links.");
        DirectoryInfo root = Directory.CreateTempSubdirectory("mtatls-dotnet-");
        try
        {
            await using ServerProcess server = await ServerProcess.StartAsync(
                new()
                {
                    ["DOTNET_ROOT"] = "",
                    ["DOTNET_ROOT_X64"] = "",
                    ["MtaTls__Endpoints__Public__Url"] = "",
                    ["MtaTls__Endpoints__Public__Certificate__Path"] = "",
                    ["MtaTls__Endpoints__Public__Certificate__KeyPath"] = "",
                    ["ASPNETCORE_URLS"] = "https://127.0.0.1:0",
                    ["Kestrel__Certificates__Default__Path"] = "{folder}/server.pem",
                    ["Kestrel__Certificates__Default__KeyPath"] = "{folder}/server.key",
                },
                CopyDotnet(root.FullName));

            // KestrelUnknown
            Assert.Contains("The TLS settings of endpoints cannot be read from this version of Kestrel", server.Log, StringComparison.Ordinal);
            Assert.Equal("Hello, World!", await GetAsync(server.Port));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static async Task<string> GetAsync(int port)
    {
        using HttpClientHandler handler = new() { ServerCertificateCustomValidationCallback = static (_, certificate, _, _) => certificate!.Equals(TestCertificates.Server) };
        using HttpClient client = new(handler) { Timeout = Wait.Timeout };
        return await client.GetStringAsync($"https://127.0.0.1:{port}/plaintext").Soon();
    }

    /// <summary>Makes a .NET of links to this one, in which a member of Kestrel has another name, as in a later version. Returns its program.</summary>
    private static string CopyDotnet(string root)
    {
        string kestrel = typeof(ListenOptions).Assembly.Location;
        string aspNetCore = Path.GetDirectoryName(kestrel)!, runtime = RuntimeEnvironment.GetRuntimeDirectory().TrimEnd('/');
        string original = Path.GetFullPath(Path.Combine(runtime, "../../.."));
        foreach (string folder in (string[])["host/fxr", "shared/Microsoft.NETCore.App", "shared/Microsoft.AspNetCore.App"])
        {
            Directory.CreateDirectory(Path.Combine(root, folder));
        }

        // The host looks for its files beside its own real path, so these are copies.
        File.Copy(Path.Combine(original, "dotnet"), Path.Combine(root, "dotnet"));
        foreach (string version in Directory.GetDirectories(Path.Combine(original, "host/fxr")))
        {
            string copy = Path.Combine(root, "host/fxr", Path.GetFileName(version));
            Directory.CreateDirectory(copy);
            Array.ForEach(Directory.GetFiles(version), f => File.Copy(f, Path.Combine(copy, Path.GetFileName(f))));
        }

        Directory.CreateSymbolicLink(Path.Combine(root, "shared/Microsoft.NETCore.App", Path.GetFileName(runtime)), runtime);
        string changed = Path.Combine(root, "shared/Microsoft.AspNetCore.App", Path.GetFileName(aspNetCore));
        Directory.CreateDirectory(changed);
        foreach (string file in Directory.GetFiles(aspNetCore).Where(f => f != kestrel))
        {
            File.CreateSymbolicLink(Path.Combine(changed, Path.GetFileName(file)), file);
        }

        byte[] image = File.ReadAllBytes(kestrel);
        int renamed = 0;
        for (ReadOnlySpan<byte> name = "\0get_HttpsOptions\0"u8; image.AsSpan().IndexOf(name) is var at && at >= 0; renamed++)
        {
            Encoding.ASCII.GetBytes("get_HttpsOptionz").CopyTo(image.AsSpan(at + 1));
        }

        Assert.True(renamed > 0, "Kestrel has no member get_HttpsOptions.");
        File.WriteAllBytes(Path.Combine(changed, Path.GetFileName(kestrel)), image);
        return Path.Combine(root, "dotnet");
    }
}
