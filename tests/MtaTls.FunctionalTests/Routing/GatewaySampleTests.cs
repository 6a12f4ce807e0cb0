using System.Diagnostics;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>samples/Gateway as a user starts it: two web applications, Redis, the gateway and the client, each a process.</summary>
public class GatewaySampleTests
{
    [Fact]
    public async Task The_sample_reaches_every_service_by_name_over_one_TLS_session()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        DirectoryInfo? root = output;
        while (!File.Exists(Path.Combine(root!.FullName, "MtaTls.AspNetCore.sln")))
        {
            root = root.Parent;
        }

        string assembly = Path.Combine(root.FullName, "samples", "Gateway", "bin", output.Parent!.Name, output.Name, "Gateway.dll");
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [assembly]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> text = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(3));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        string shown = await text.Soon() + await errors.Soon();
        Assert.True(process.ExitCode == 0, shown);
        Assert.Contains("pages.internal  Home page", shown, StringComparison.Ordinal);
        Assert.Contains("chat.internal   client: hello through a channel", shown, StringComparison.Ordinal);
        Assert.Contains("169.254.169.254 The channel was refused: Not available.", shown, StringComparison.Ordinal);
        Assert.Contains("TLS handshakes: 1 ", shown, StringComparison.Ordinal);
        if (!shown.Contains("redis-server is not installed", StringComparison.Ordinal))
        {
            Assert.Contains("redis.internal  GET greeting -> hello", shown, StringComparison.Ordinal);
        }
    }
}
