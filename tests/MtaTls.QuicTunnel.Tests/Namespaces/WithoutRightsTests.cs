using System.Diagnostics;
using MtaTls.Quic;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>A client without the right to change devices, whose device an administrator has created (docs/quic-tunnel.md, Running without root).</summary>
[Collection("network namespaces")]
public sealed class WithoutRightsTests : IDisposable
{
    private static readonly string? s_whyNot = QuicEngine.UnsupportedReason ?? AccessNetworks.WhyNot();
    private readonly AccessNetworks? _networks;
    private readonly TunnelProcesses? _tunnel;

    public WithoutRightsTests()
    {
        if (s_whyNot is null)
        {
            _networks = new AccessNetworks($"{Environment.ProcessId % 100_000}-rights");
            _tunnel = new TunnelProcesses(_networks);
        }
    }

    public void Dispose()
    {
        _tunnel?.Dispose();
        _networks?.Dispose();
    }

    [Fact]
    public async Task A_route_that_the_client_may_not_set_is_a_warning_and_the_tunnel_works()
    {
        await StartAsync("10.99.0.2/24", "--QuicTunnelClient:Interface:Routes:0", "192.0.2.0/24");

        // RouteNotSet
        await _tunnel!.WaitForAsync("The process may not set the route 192.0.2.0/24 into the device qt0.");
        Assert.Equal("", await RunAsync("ip", "route", "show", "192.0.2.0/24"));
        Assert.Contains("1 received", await RunAsync("ping", "-c", "1", "-W", "30", "10.99.0.1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Addresses_that_the_client_may_not_set_are_an_error_that_names_the_right()
    {
        // Entries that are null remove those of the sample's appsettings.json.
        await File.WriteAllTextAsync(
            Path.Combine(AppContext.BaseDirectory, "appsettings.RequestAddresses.json"),
            """{ "QuicTunnelClient": { "RequestAddresses": true, "Interface": { "Addresses": [ null, null ] } } }""",
            TestContext.Current.CancellationToken);
        await StartAsync("10.99.0.9/24", "--environment", "RequestAddresses");

        // AddressesNotSet
        await _tunnel!.WaitForAsync("The addresses that the concentrator assigned cannot be set on the device:");
        await _tunnel.WaitForAsync("CAP_NET_ADMIN");
        Assert.DoesNotContain("10.99.0.2", await RunAsync("ip", "-o", "address", "show", "dev", "qt0"), StringComparison.Ordinal);
    }

    private async Task StartAsync(string address, params string[] settings)
    {
        Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");
        await RunAsync("ip", "tuntap", "add", "dev", "qt0", "mode", "tun", "user", "root");
        await RunAsync("ip", "address", "add", address, "dev", "qt0");
        await RunAsync("ip", "address", "add", "fd99::2/64", "dev", "qt0", "nodad");
        await RunAsync("ip", "link", "set", "qt0", "mtu", "1280", "txqueuelen", "4096", "up");
        await _tunnel!.StartConcentratorAsync();
        _tunnel.Launcher = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"];
        await _tunnel.StartClientAsync(settings);
    }

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        using Process process = AccessNetworks.Start(_networks!.Client, program, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal("", await error);
        return (await output).Trim();
    }
}
