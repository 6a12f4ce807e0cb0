using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace MtaTls.Dashboard.Assets;

/// <summary>The files of the page, which are embedded in the package.</summary>
internal sealed class AssetTable
{
    private const string Prefix = "wwwroot/";
    private const string PageName = "index.html";

    public AssetTable()
    {
        Assembly assembly = typeof(AssetTable).Assembly;
        Asset[] all = [.. assembly.GetManifestResourceNames().Where(static n => n.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => Load(assembly, name))];
        Page = all.Single(static a => a.Path == PageName);
        Files = [.. all.Where(static a => a.Path != PageName)];
    }

    public Asset Page { get; }

    public IReadOnlyList<Asset> Files { get; }

    public static async Task SendAsync(HttpContext context, Asset asset)
    {
        // The browser stores the files but must revalidate them, so that a user who loses access to the page loses access to its files too.
        context.Response.Headers.CacheControl = "private, no-cache";
        context.Response.Headers.ETag = asset.ETag;
        if (context.Request.Headers.IfNoneMatch == asset.ETag)
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        context.Response.ContentType = asset.ContentType;
        context.Response.ContentLength = asset.Content.Length;
        await context.Response.Body.WriteAsync(asset.Content, context.RequestAborted);
    }

    private static Asset Load(Assembly assembly, string name)
    {
        using Stream stream = assembly.GetManifestResourceStream(name)!;
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return new Asset(name[Prefix.Length..].Replace('\\', '/'), ContentType(name), content, $"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..16]}\"");
    }

    private static string ContentType(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
}
