using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Tls;

/// <summary><c>MtaTls:OpenSsl:Path</c>, in a separate process, because a process loads OpenSSL once.</summary>
public sealed class OpenSslPathTests
{
    [Fact]
    public async Task OpenSSL_is_loaded_from_the_configured_folder()
    {
        string? folder = ((string[])["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib"]).FirstOrDefault(static d => File.Exists($"{d}/libssl.so.3"));
        Assert.SkipUnless(folder is not null, "The system's OpenSSL was not found.");
        await using ServerProcess server = await ServerProcess.StartAsync(new Dictionary<string, string> { ["MtaTls__OpenSsl__Path"] = folder! });
        Assert.True(await RawClient.IsNegotiatedAsync(server.Port));
    }

    [Fact]
    public async Task A_folder_without_OpenSSL_is_logged_and_the_endpoint_remains_ordinary_HTTPS()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(new Dictionary<string, string> { ["MtaTls__OpenSsl__Path"] = "/nowhere" });
        Assert.Contains("could not be loaded from '/nowhere' (MtaTls:OpenSsl:Path)", server.Log, StringComparison.Ordinal);
        Assert.False(await RawClient.IsNegotiatedAsync(server.Port));
    }
}
