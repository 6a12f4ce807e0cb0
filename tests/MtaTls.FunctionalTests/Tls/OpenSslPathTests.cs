using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Tls;

/// <summary><c>MtaTls:OpenSsl:Path</c>, in a process of its own: a process has one OpenSSL.</summary>
public sealed class OpenSslPathTests
{
    [Fact]
    public async Task OpenSSL_comes_from_the_folder_that_is_named()
    {
        string? folder = ((string[])["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib"]).FirstOrDefault(static d => File.Exists($"{d}/libssl.so.3"));
        Assert.SkipUnless(folder is not null, "The system's OpenSSL was not found.");
        await using ServerProcess server = await ServerProcess.StartAsync(new Dictionary<string, string> { ["MtaTls__OpenSsl__Path"] = folder! });
        Assert.True(await RawClient.IsNegotiatedAsync(server.Port));
    }

    [Fact]
    public async Task A_folder_without_OpenSSL_is_named_and_the_endpoint_stays_Kestrels()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(new Dictionary<string, string> { ["MtaTls__OpenSsl__Path"] = "/nowhere" });
        Assert.Contains("could not be loaded from '/nowhere' (MtaTls:OpenSsl:Path)", server.Log, StringComparison.Ordinal);
        Assert.False(await RawClient.IsNegotiatedAsync(server.Port));
    }
}
