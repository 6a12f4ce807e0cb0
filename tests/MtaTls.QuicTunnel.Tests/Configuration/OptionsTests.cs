using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Configuration;

namespace MtaTls.QuicTunnel.Tests.Configuration;

public sealed class OptionsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tunnel-options-");

    public OptionsTests() => CertificateFolder.Write(_folder.FullName, "concentrator", TestCertificates.Instance.Server, TestCertificates.Instance.Authority);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Every_setting_comes_from_the_section()
    {
        QuicTunnelOptions options = Bind(new()
        {
            ["Listen:0"] = "0.0.0.0:4433",
            ["Listen:1"] = "[::]:4433",
            ["Certificate:Path"] = "concentrator.pem",
            ["Certificate:KeyPath"] = "concentrator.key",
            ["Authentication:Mode"] = "ClientCertificate",
            ["Authentication:AuthorityPath"] = "ca.pem",
            ["Interface:Kind"] = "InMemory",
            ["Interface:Addresses:0"] = "10.99.0.1/24",
            ["Interface:Mtu"] = "1300",
            ["Addresses:Identities:CN=laptop-1:0"] = "10.99.0.2",
            ["Addresses:Identities:CN=laptop-1:1"] = "fd99::2",
            ["Addresses:Pool:0"] = "10.99.0.64/26",
            ["Addresses:AllowClientToClient"] = "true",
            ["Sessions:GracePeriod"] = "00:02:00",
            ["Sessions:MaxSessions"] = "7",
            ["Sessions:MaxConnectionsPerSession"] = "3",
            ["Reordering:Enabled"] = "false",
            ["Reordering:MaxDelay"] = "00:00:00.020",
            ["Scheduler"] = "ActiveBackup",
        });
        Assert.Equal(["0.0.0.0:4433", "[::]:4433"], options.Listen);
        // Paths are relative to the content root.
        Assert.Equal(Path.Combine(_folder.FullName, "concentrator.pem"), options.Certificate.Path);
        Assert.Equal(TunnelInterfaceKind.InMemory, options.Interface.Kind);
        Assert.Equal(1300, options.Interface.Mtu);
        Assert.Equal(["10.99.0.2", "fd99::2"], options.Addresses.Identities["CN=laptop-1"]);
        Assert.Equal(["10.99.0.64/26"], options.Addresses.Pool);
        Assert.True(options.Addresses.AllowClientToClient);
        Assert.Equal(TimeSpan.FromMinutes(2), options.Sessions.GracePeriod);
        Assert.Equal((7, 3), (options.Sessions.MaxSessions, options.Sessions.MaxConnectionsPerSession));
        Assert.False(options.Reordering.Enabled);
        Assert.Equal(TimeSpan.FromMilliseconds(20), options.Reordering.MaxDelay);
        Assert.Equal(TunnelScheduler.ActiveBackup, options.Scheduler);
    }

    [Fact]
    public void Every_setting_of_the_client_comes_from_its_section()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = _folder.FullName });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["QuicTunnelClient:Host"] = "tunnel.example",
            ["QuicTunnelClient:Port"] = "4433",
            ["QuicTunnelClient:TargetHost"] = "name.example",
            ["QuicTunnelClient:AuthorityPath"] = "ca.pem",
            ["QuicTunnelClient:ClientCertificate:Path"] = "concentrator.pem",
            ["QuicTunnelClient:ClientCertificate:KeyPath"] = "concentrator.key",
            ["QuicTunnelClient:LocalAddresses:0"] = "wwan0",
            ["QuicTunnelClient:AccessNetworks:wwan0"] = "Gpp",
            ["QuicTunnelClient:Interface:Kind"] = "InMemory",
            ["QuicTunnelClient:KeepAlive:Interval"] = "00:00:05",
            ["QuicTunnelClient:Reconnect:InitialDelay"] = "00:00:01",
            ["QuicTunnelClient:Reconnect:MaxDelay"] = "00:00:02",
            ["QuicTunnelClient:Reconnect:Jitter"] = "0.25",
        });
        builder.AddQuicTunnelClient();
        using IHost host = builder.Build();
        QuicTunnelClientOptions options = host.Services.GetRequiredService<IOptions<QuicTunnelClientOptions>>().Value;
        Assert.Equal(("tunnel.example", 4433, "name.example"), (options.Host, options.Port, options.TargetHost));
        Assert.Equal(Path.Combine(_folder.FullName, "ca.pem"), options.AuthorityPath);
        Assert.Equal(AccessNetwork.Gpp, options.AccessNetworks["wwan0"]);
        Assert.Equal(TimeSpan.FromSeconds(5), options.KeepAlive.Interval);
        Assert.Equal((TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), 0.25), (options.Reconnect.InitialDelay, options.Reconnect.MaxDelay, options.Reconnect.Jitter));
    }

    [Fact]
    public void One_message_names_every_key_that_is_wrong()
    {
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(new()
        {
            ["Listen:0"] = "4433",
            ["Certificate:Path"] = "missing.pem",
            ["Interface:Name"] = "a name with blanks",
            ["Interface:Addresses:0"] = "10.99.0.1",
            ["Interface:Addresses:1"] = "fd99::1/64",
            ["Interface:Mtu"] = "1000",
            ["Addresses:Identities:CN=a:0"] = "10.99.0.2",
            ["Addresses:Identities:CN=b:0"] = "10.99.0.2",
            ["Addresses:Pool:0"] = "10.99.0.64/33",
            ["Addresses:RestPeriod"] = "-00:00:01",
            ["Addresses:AllowClientToCleint"] = "true",
            ["Sessions:MaxSessions"] = "0",
            ["Sessions:MaxSesions"] = "5",
            ["Sessions:MaxConnectionsPerSession"] = "33",
            ["Sessions:IdleTimeout"] = "soon",
            ["Sessions:GracePeriod"] = "later",
            ["Reordering:MaxPackets"] = "40000",
            ["Schedulr"] = "EarliestDelivery",
            ["Scheduler"] = "99",
        }));
        string[] keys =
        [
            "Listen:0", "Certificate:Path", "Authentication:AuthorityPath", "Interface:Name", "Interface:Addresses:0", "Interface:Mtu", "Addresses:Identities:CN=b:0", "Addresses:Pool:0",
            "Addresses:RestPeriod", "Addresses:AllowClientToCleint", "Sessions:MaxSessions", "Sessions:MaxSesions", "Sessions:MaxConnectionsPerSession", "Sessions:IdleTimeout",
            "Sessions:GracePeriod", "Reordering:MaxPackets", "Schedulr", "Scheduler",
        ];
        Assert.Equal(keys.Select(static k => $"QuicTunnel:{k}").Order(), exception.Failures.Select(static f => f[..f.IndexOf(": ", StringComparison.Ordinal)]).Order());
        Assert.Contains($"QuicTunnel:Certificate:Path: Certificate file '{Path.Combine(_folder.FullName, "missing.pem")}' was not found.", exception.Failures);
        Assert.Contains("QuicTunnel:Schedulr: there is no such setting. Did you mean Scheduler?", exception.Failures);
    }

    [Fact]
    public void Hooks_are_programs_of_a_TUN_device_and_addresses_come_from_one_side_alone()
    {
        var options = new QuicTunnelClientOptions { Host = "tunnel.example", RequestAddresses = true };
        Assert.True(new QuicTunnelClientOptionsValidator().Validate(null, options).Succeeded);
        options.Interface.Up.Add("/bin/sh");
        Assert.True(new QuicTunnelClientOptionsValidator().Validate(null, options).Succeeded);
        options.Interface.Addresses.Add("10.99.0.2/24");
        options.Interface.Up[0] = "sh";
        options.Interface.Down.Add("/there/is/no/such/program");
        Assert.Equal(
            ["QuicTunnelClient:Interface:Down:0", "QuicTunnelClient:Interface:Up:0", "QuicTunnelClient:RequestAddresses"],
            new QuicTunnelClientOptionsValidator().Validate(null, options).Failures!.Select(static f => f[..f.IndexOf(": ", StringComparison.Ordinal)]).Order());
        options.Interface.Kind = TunnelInterfaceKind.InMemory;
        Assert.Contains("QuicTunnelClient:Interface:Up: A hook runs for a TUN device only.", new QuicTunnelClientOptionsValidator().Validate(null, options).Failures!);
    }

    // What code sets is held to the ranges of the settings too.
    [Fact]
    public void Values_that_code_has_set_are_checked()
    {
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(Valid(), options =>
        {
            options.Sessions.MaxSessions = 0;
            options.Reordering.MaxDelay = TimeSpan.FromMinutes(1);
            options.Scheduler = (TunnelScheduler)99;
        }));
        Assert.Equal(
            ["QuicTunnel:Sessions:MaxSessions: 0 is out of range: 1 to 1,000,000 sessions.", "QuicTunnel:Reordering:MaxDelay: 00:01:00 is out of range: 00:00:00.001 to 00:00:05.",
                "QuicTunnel:Scheduler: '99' is none of EarliestDelivery, RoundRobin, Redundant, ActiveBackup."],
            exception.Failures.Order(StringComparer.Ordinal).OrderBy(static f => f.Contains("Scheduler", StringComparison.Ordinal)).ThenBy(static f => f.Contains("Reordering", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Token", "Authentication:Tokens")]
    [InlineData("Anonymous", "Addresses:Identities")]
    [InlineData("ClientCertificate", "Authentication:AuthorityPath")]
    public void Each_mode_needs_its_own(string mode, string key)
    {
        Dictionary<string, string?> settings = Valid();
        settings.Remove("Authentication:AuthorityPath");
        settings["Authentication:Mode"] = mode;
        settings["Addresses:Identities:x:0"] = "10.99.0.2";
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(settings));
        Assert.StartsWith($"QuicTunnel:{key}:", Assert.Single(exception.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_is_told_everything_that_is_wrong_too()
    {
        var options = new QuicTunnelClientOptions { Host = "https://nowhere:4433", TargetHost = "[::1]", Port = 0, Token = "t", QosIndication = "q", ConnectTimeout = TimeSpan.Zero };
        options.LocalAddresses.Add("192.0.2.1");
        options.LocalAddresses.Add("192.0.2.1");
        options.AccessNetworks["wlan0"] = AccessNetwork.NonGpp;
        options.ClientCertificate.Path = "/no/such/client.pem";
        options.AuthorityPath = "/no/such/ca.pem";
        options.Reconnect.InitialDelay = TimeSpan.FromMinutes(1);
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => new QuicTunnelClient(options));
        string[] keys =
        [
            "Host", "TargetHost", "Port", "QosIndication", "LocalAddresses:1", "AccessNetworks:wlan0", "ConnectTimeout", "Interface:Addresses", "ClientCertificate:Path", "AuthorityPath",
            "Reconnect:MaxDelay",
        ];
        Assert.Equal(keys.Select(static k => $"QuicTunnelClient:{k}").Order(), exception.Failures.Select(static f => f[..f.IndexOf(": ", StringComparison.Ordinal)]).Order());
    }

    // The value of a token is a secret, whatever is wrong with it.
    [Fact]
    public void An_error_never_says_a_token()
    {
        Dictionary<string, string?> settings = Valid();
        settings["Authentication:Mode"] = "Token";
        settings["Authentication:Tokens:laptop"] = "secret";
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(settings));
        Assert.Equal("QuicTunnel:Authentication:Tokens:laptop: It has 6 bytes of UTF-8 and needs 16 to 255.", Assert.Single(exception.Failures));
    }

    [Fact]
    public void Defaults_are_valid()
    {
        var options = new QuicTunnelClientOptions { Host = "2001:db8::1" };
        options.Interface.Addresses.Add("10.99.0.2/24");
        Assert.True(new QuicTunnelClientOptionsValidator().Validate(null, options).Succeeded);
    }

    private static Dictionary<string, string?> Valid() => new()
    {
        ["Listen:0"] = "0.0.0.0:4433",
        ["Certificate:Path"] = "concentrator.pem",
        ["Certificate:KeyPath"] = "concentrator.key",
        ["Authentication:AuthorityPath"] = "ca.pem",
        ["Interface:Kind"] = "InMemory",
    };

    private QuicTunnelOptions Bind(Dictionary<string, string?> settings, Action<QuicTunnelOptions>? configure = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = _folder.FullName });
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(pair => $"QuicTunnel:{pair.Key}", pair => pair.Value));
        builder.AddQuicTunnel(options => configure?.Invoke(options));
        using IHost host = builder.Build();
        return host.Services.GetRequiredService<IOptions<QuicTunnelOptions>>().Value;
    }
}
