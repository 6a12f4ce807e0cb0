using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.Repository.Tests.Packages;

/// <summary>A registry of container images on this machine (Debian's docker-registry), with one small base image.</summary>
internal sealed class ImageRegistry : IAsyncDisposable
{
    private readonly Process _process;

    private ImageRegistry(Process process, string address)
    {
        _process = process;
        Address = address;
    }

    public string Address { get; }

    public string BaseImage => Address + "/base:1";

    public static async Task<ImageRegistry> StartAsync(string folder)
    {
        string address = $"127.0.0.1:{FreePort.Find()}";
        string configuration = Path.Combine(folder, "registry.yml");
        await File.WriteAllTextAsync(configuration, $"version: 0.1\nstorage: {{ inmemory: {{}} }}\nhttp: {{ addr: '{address}' }}\n");
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo("docker-registry", ["serve", configuration]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("docker-registry is not installed.");
            throw;
        }

        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var registry = new ImageRegistry(process, address);
        try
        {
            await registry.PushBaseAsync();
            return registry;
        }
        catch
        {
            await registry.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task PushBaseAsync()
    {
        using MemoryStream tar = new();
        await using (TarWriter writer = new(tar, leaveOpen: true))
        {
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "etc/passwd") { DataStream = new MemoryStream("app:x:1654:1654::/home/app:/bin/false\n"u8.ToArray()) });
        }

        using MemoryStream compressed = new();
        await using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(tar.ToArray());
        }

        byte[] layer = compressed.ToArray();
        byte[] configuration = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Env"] = new JsonArray("PATH=/usr/bin", "APP_UID=1654") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(Digest(tar.ToArray())) },
        }.ToJsonString());
        using HttpClient http = new() { BaseAddress = new Uri($"http://{Address}/v2/") };
        await PushBlobAsync(http, layer);
        await PushBlobAsync(http, configuration);
        var manifest = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json",
            ["config"] = Descriptor("application/vnd.docker.container.image.v1+json", configuration),
            ["layers"] = new JsonArray(Descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", layer)),
        };
        using StringContent content = new(manifest.ToJsonString(), new MediaTypeHeaderValue((string)manifest["mediaType"]!));
        (await http.PutAsync(new Uri("base/manifests/1", UriKind.Relative), content)).EnsureSuccessStatusCode();
    }

    private async Task PushBlobAsync(HttpClient http, byte[] blob)
    {
        HttpResponseMessage begun;
        while (true)
        {
            try
            {
                begun = await http.PostAsync(new Uri("base/blobs/uploads/", UriKind.Relative), null);
                break;
            }
            catch (HttpRequestException) when (!_process.HasExited)
            {
                // The registry does not listen yet.
                await Task.Delay(50);
            }
        }

        UriBuilder location = new(begun.EnsureSuccessStatusCode().Headers.Location!);
        location.Query = $"{location.Query.TrimStart('?')}&digest={Digest(blob)}";
        (await http.PutAsync(location.Uri, new ByteArrayContent(blob) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } })).EnsureSuccessStatusCode();
    }

    private static JsonObject Descriptor(string mediaType, byte[] content) => new() { ["mediaType"] = mediaType, ["size"] = content.Length, ["digest"] = Digest(content) };

    private static string Digest(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));
}
