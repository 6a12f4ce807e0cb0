using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.QuicTunnel.Configuration;

namespace MtaTls.QuicTunnel.Tests.Configuration;

public sealed class OptionsTests
{
    private static readonly string s_anyFile = typeof(OptionsTests).Assembly.Location;

    [Fact]
    public void Every_setting_comes_from_the_section()
    {
        QuicTunnelOptions options = Bind(new()
        {
            ["Listen:0"] = "0.0.0.0:4433",
            ["Listen:1"] = "[::]:4433",
            ["Certificate:Path"] = s_anyFile,
            ["Authentication:Mode"] = "ClientCertificate",
            ["Authentication:AuthorityPath"] = s_anyFile,
            ["Interface:Kind"] = "InMemory",
            ["Interface:Addresses:0"] = "10.99.0.1/24",
            ["Interface:Mtu"] = "1300",
            ["Addresses:Identities:CN=laptop-1:0"] = "10.99.0.2",
            ["Addresses:Identities:CN=laptop-1:1"] = "fd99::2",
            ["Addresses:Pool:0"] = "10.99.0.64/26",
            ["Sessions:GracePeriod"] = "00:02:00",
            ["Sessions:MaxSessions"] = "7",
            ["Sessions:MaxConnectionsPerSession"] = "3",
            ["Reordering:Enabled"] = "false",
            ["Reordering:MaxDelay"] = "00:00:00.020",
            ["Scheduler"] = "ActiveBackup",
        });
        Assert.Equal(["0.0.0.0:4433", "[::]:4433"], options.Listen);
        Assert.Equal(TunnelInterfaceKind.InMemory, options.Interface.Kind);
        Assert.Equal(1300, options.Interface.Mtu);
        Assert.Equal(["10.99.0.2", "fd99::2"], options.Addresses.Identities["CN=laptop-1"]);
        Assert.Equal(["10.99.0.64/26"], options.Addresses.Pool);
        Assert.Equal(TimeSpan.FromMinutes(2), options.Sessions.GracePeriod);
        Assert.Equal((7, 3), (options.Sessions.MaxSessions, options.Sessions.MaxConnectionsPerSession));
        Assert.False(options.Reordering.Enabled);
        Assert.Equal(TimeSpan.FromMilliseconds(20), options.Reordering.MaxDelay);
        Assert.Equal(TunnelScheduler.ActiveBackup, options.Scheduler);
    }

    [Fact]
    public void One_message_names_every_key_that_is_wrong()
    {
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(new()
        {
            ["Listen:0"] = "4433",
            ["Certificate:Path"] = "/no/such/file.pem",
            ["Interface:Name"] = "a name with blanks",
            ["Interface:Addresses:0"] = "10.99.0.1",
            ["Interface:Addresses:1"] = "fd99::1/64",
            ["Interface:Mtu"] = "1000",
            ["Addresses:Identities:CN=a:0"] = "10.99.0.2",
            ["Addresses:Identities:CN=b:0"] = "10.99.0.2",
            ["Addresses:Pool:0"] = "10.99.0.64/33",
            ["Addresses:RestPeriod"] = "-00:00:01",
            ["Sessions:MaxSessions"] = "0",
            ["Sessions:MaxConnectionsPerSession"] = "33",
            ["Reordering:MaxPackets"] = "40000",
            ["Scheduler"] = "99",
        }));
        foreach (string key in new[]
        {
            "Listen:0", "Certificate:Path", "Authentication:AuthorityPath", "Interface:Name", "Interface:Addresses:0", "Interface:Mtu", "Addresses:Identities:CN=b:0",
            "Addresses:Pool:0", "Addresses:RestPeriod", "Sessions:MaxSessions", "Sessions:MaxConnectionsPerSession", "Reordering:MaxPackets", "Scheduler",
        })
        {
            Assert.Contains($"QuicTunnel:{key}:", exception.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Token", "Authentication:Tokens")]
    [InlineData("Anonymous", "Addresses:Identities")]
    [InlineData("ClientCertificate", "Authentication:AuthorityPath")]
    public void Each_mode_needs_its_own(string mode, string key)
    {
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(new()
        {
            ["Listen:0"] = "0.0.0.0:4433",
            ["Certificate:Path"] = s_anyFile,
            ["Interface:Kind"] = "InMemory",
            ["Authentication:Mode"] = mode,
            ["Addresses:Identities:x:0"] = "10.99.0.2",
        }));
        Assert.StartsWith($"QuicTunnel:{key}:", Assert.Single(exception.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_is_told_everything_that_is_wrong_too()
    {
        var options = new QuicTunnelClientOptions { Concentrator = "nowhere", Token = "t", QosIndication = "q", ConnectTimeout = TimeSpan.Zero };
        options.LocalAddresses.Add("192.0.2.1");
        options.LocalAddresses.Add("192.0.2.1");
        options.AccessNetworks["wlan0"] = AccessNetwork.NonGpp;
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => new QuicTunnelClient(options));
        foreach (string key in new[] { "Concentrator", "QosIndication", "LocalAddresses:1", "AccessNetworks:wlan0", "ConnectTimeout", "Interface:Addresses" })
        {
            Assert.Contains($"QuicTunnelClient:{key}:", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Defaults_are_valid()
    {
        var options = new QuicTunnelClientOptions { Concentrator = "[2001:db8::1]:4433" };
        options.Interface.Addresses.Add("10.99.0.2/24");
        Assert.True(new QuicTunnelClientOptionsValidator().Validate(null, options).Succeeded);
    }

    private static QuicTunnelOptions Bind(Dictionary<string, string?> settings)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(pair => $"QuicTunnel:{pair.Key}", pair => pair.Value));
        builder.AddQuicTunnel();
        using IHost host = builder.Build();
        return host.Services.GetRequiredService<IOptions<QuicTunnelOptions>>().Value;
    }
}
