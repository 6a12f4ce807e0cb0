using System.Net;
using Microsoft.Playwright;
using MtaTls.Dashboard.Tests.Support;
using MtaTls.Quic;
using MtaTls.QuicTunnel;

namespace MtaTls.Dashboard.Tests.Pages;

/// <summary>QUIC tunnel sessions and their paths, at the concentrator.</summary>
public sealed class TunnelPageTests(Chromium chromium) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-page-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 390)]
    public async Task Paths_are_shown_and_a_session_is_ended(ColorScheme scheme, int width)
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        string authority = Path.Combine(_folder.FullName, "ca.pem");
        await File.WriteAllTextAsync(authority, TestCertificates.Root.ExportCertificatePem());
        int port = FreePort.Find();
        await using LiveApp app = await LiveApp.StartAsync(builder => ((Microsoft.Extensions.Hosting.IHostApplicationBuilder)builder).AddTunnel(port, authority));
        await using Visit visit = await chromium.OpenAsync(app, "tunnels", scheme: scheme, width: width);
        await visit.SeesAsync(".empty", "There is no tunnel session.");

        QuicTunnelClientOptions options = new() { Host = "127.0.0.1", Port = port, TargetHost = "localhost", AuthorityPath = authority };
        options.ClientCertificate.Certificate = TestCertificates.Client;
        options.Interface.Kind = TunnelInterfaceKind.InMemory;
        await using QuicTunnelClient client = new(options);
        client.Start();
        await client.WaitForSessionAsync().Soon();
        foreach (string text in (string[])["CN=client", "127.0.0.1:", "Active", " ms"])
        {
            await visit.SeesAsync("#view", text);
        }

        await visit.SeesAsync("#view", "Scheduler: Earliest delivery");
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync($"tunnels-{scheme}-{width}");
        await visit.ConfirmAsync("button[aria-label^='End tunnel']");
        await visit.CountAsync($"h2:text-is('{client.SessionName}')", 0);
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task An_application_without_a_tunnel_says_so()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using Visit visit = await chromium.OpenAsync(app, "tunnels");
        await visit.SeesAsync(".empty", "It calls neither AddQuicTunnel() nor AddQuicTunnelClient().");
        await visit.AssertAccessibleAsync();
    }
}
