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
        // A path is relative to the content root.
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
    public void One_error_lists_every_invalid_setting()
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
    public void Hooks_need_a_TUN_device_and_addresses_come_from_only_one_end()
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
        Assert.Contains("QuicTunnelClient:Interface:Up: A hook runs only for a TUN device. Remove it, or set Kind to Tun.", new QuicTunnelClientOptionsValidator().Validate(null, options).Failures!);
    }

    [Fact]
    public void Values_that_code_sets_are_checked_too()
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
    public void Each_authentication_mode_checks_its_settings(string mode, string key)
    {
        Dictionary<string, string?> settings = Valid();
        settings.Remove("Authentication:AuthorityPath");
        settings["Authentication:Mode"] = mode;
        settings["Addresses:Identities:x:0"] = "10.99.0.2";
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(settings));
        Assert.StartsWith($"QuicTunnel:{key}:", Assert.Single(exception.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void One_error_lists_every_invalid_setting_of_the_client()
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

    // A token is a secret, even if it is invalid.
    [Fact]
    public void An_error_never_contains_a_token()
    {
        Dictionary<string, string?> settings = Valid();
        settings["Authentication:Mode"] = "Token";
        settings["Authentication:Tokens:laptop"] = "secret";
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(settings));
        Assert.Equal("QuicTunnel:Authentication:Tokens:laptop: The value has 6 bytes of UTF-8 and needs 16 to 255.", Assert.Single(exception.Failures));
    }

    // One message, and nothing of the secret in it.
    [Theory]
    [InlineData("Cluster:Secret: The secret has 31 bytes and needs 32 to 1024.", "Secret", "0123456789012345678901234567890")]
    [InlineData("Cluster:SecretPath: The secret has 31 bytes and needs 32 to 1024.", "SecretPath", "short.txt")]
    [InlineData("Cluster:SecretPath: The secret has more than 1024 bytes and needs 32 to 1024.", "SecretPath", "long.txt")]
    [InlineData("Cluster:SecretPath: The secret comes from Secret or from SecretPath, not from both.", "SecretPath", "good.txt", "Secret", "01234567890123456789012345678901")]
    [InlineData("Cluster:Secret: A node of a cluster needs the secret that all nodes share.", "Node", "gw-a")]
    [InlineData("Cluster:Node: 'gw|a' is not a name of at most 64 letters, digits, hyphens, underscores and dots.", "Node", "gw|a", "SecretPath", "good.txt")]
    [InlineData("Cluster:PreferredAddresses:0: '203.0.113.11' is not an end point that clients can reach, such as 203.0.113.11:4433 or [2001:db8::11]:4433.", "PreferredAddresses:0", "203.0.113.11")]
    [InlineData("Cluster:PreferredAddresses:0: '0.0.0.0:4433' is not an end point that clients can reach, such as 203.0.113.11:4433 or [2001:db8::11]:4433.", "PreferredAddresses:0", "0.0.0.0:4433")]
    [InlineData("Cluster:PreferredAddresses:1: There is an address of this family already.", "PreferredAddresses:0", "203.0.113.11:4433", "PreferredAddresses:1", "203.0.113.12:4433")]
    [InlineData(null, "SecretPath", "good.txt", "PreferredAddresses:0", "203.0.113.11:4433", "PreferredAddresses:1", "[2001:db8::11]:4433")]
    [InlineData(null, "SecretPath", "good.txt")]
    [InlineData(null, "Node", "gw-a.example_1", "Secret", "01234567890123456789012345678901")]
    public void A_cluster_has_a_name_and_a_secret(string? error, params string[] settings)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "short.txt"), new string('x', 31) + "\r\n\n");
        File.WriteAllText(Path.Combine(_folder.FullName, "good.txt"), new string('x', 1_024) + "\r\n");
        File.WriteAllText(Path.Combine(_folder.FullName, "long.txt"), new string('x', 1_025));
        Dictionary<string, string?> all = Valid();
        for (int i = 0; i < settings.Length; i += 2)
        {
            all[$"Cluster:{settings[i]}"] = settings[i + 1];
        }

        if (error is null)
        {
            Assert.True(Bind(all).Cluster.IsSet);
            return;
        }

        all["Sessions:MaxSessions"] = "0";
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(all));
        Assert.Equal(2, exception.Failures.Count());
        Assert.Contains($"QuicTunnel:{error}", exception.Failures);
    }

    [Theory]
    [InlineData("Cluster:Relay:Listen:0: '10.0.0.11' is not an end point such as 10.0.0.11:4434 or [fd00::11]:4434.", "Listen:0", "10.0.0.11")]
    [InlineData("Cluster:Relay:Advertise: '0.0.0.0:4434' is not an address that other concentrators can reach, such as 10.0.0.11:4434 or [fd00::11]:4434.", "Advertise", "0.0.0.0:4434")]
    [InlineData("Cluster:Relay:Nodes:gw-b: '10.0.0.12' is not an address such as 10.0.0.12:4434 or [fd00::12]:4434.", "Nodes:gw-b", "10.0.0.12")]
    [InlineData("Cluster:Relay:Nodes:gw|b: 'gw|b' is not a name of a concentrator that can be a DNS name in its certificate.", "Nodes:gw|b", "10.0.0.12:4434")]
    [InlineData("Cluster:Relay:Certificate:Path: Relaying needs a certificate of this concentrator. Set Path, or Subject for a certificate store.", "Certificate:Path", "")]
    [InlineData("Cluster:Relay:Certificate: The certificate of 'CN=localhost' does not have the name of this concentrator, gw-a, among its DNS names.", "Certificate:Path", "concentrator.pem", "Certificate:KeyPath", "concentrator.key")]
    [InlineData("Cluster:Relay:AuthorityPath: Relaying needs a file with the authorities that issue the certificates of concentrators.", "AuthorityPath", "")]
    [InlineData("Cluster:Relay:Nodes: Clients have certificates of the same authorities, so a client could be taken for a concentrator. List the concentrators, or give them an authority of their own.", "AuthorityPath", "ca.pem")]
    [InlineData("Cluster:Relay:Nodes: Clients have certificates of the same authorities, so a client could be taken for a concentrator. List the concentrators, or give them an authority of their own.", "AuthorityPath", "copy.pem")]
    [InlineData("Cluster:Relay:MaxRelays: '0' is not a whole number of connections from 1 to 1,000,000.", "MaxRelays", "0")]
    [InlineData("Cluster:Relay:MaxRelaysPerNode: '0' is not a whole number of connections from 1 to 1,000,000.", "MaxRelaysPerNode", "0")]
    [InlineData("Cluster:Relay:MaxPackets: '15' is not a whole number of packets from 16 to 16,384.", "MaxPackets", "15")]
    [InlineData(null)]
    [InlineData(null, "AuthorityPath", "ca.pem", "Nodes:gw-b", "10.0.0.12:4434")]
    public void Relaying_needs_a_certificate_of_the_node_and_an_authority(string? error, params string[] settings)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "good.txt"), new string('x', 32));
        File.Copy(Path.Combine(_folder.FullName, "ca.pem"), Path.Combine(_folder.FullName, "copy.pem"));
        var nodes = new TestCertificates("CN=authority of concentrators");
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "nodes"));
        CertificateFolder.Write(Path.Combine(_folder.FullName, "nodes"), "gw-a", nodes.CreateNode("gw-a"), nodes.Authority);
        Dictionary<string, string?> all = Valid();
        all["Cluster:Node"] = "gw-a";
        all["Cluster:SecretPath"] = "good.txt";
        all["Cluster:Relay:Listen:0"] = "10.0.0.11:4434";
        all["Cluster:Relay:Certificate:Path"] = "nodes/gw-a.pem";
        all["Cluster:Relay:Certificate:KeyPath"] = "nodes/gw-a.key";
        all["Cluster:Relay:AuthorityPath"] = "nodes/ca.pem";
        if (settings is ["Certificate:Path", ""])
        {
            all.Remove("Cluster:Relay:Certificate:KeyPath");
        }

        for (int i = 0; i < settings.Length; i += 2)
        {
            all[$"Cluster:Relay:{settings[i]}"] = settings[i + 1];
        }

        if (error is null)
        {
            Assert.Equal("10.0.0.11:4434", Bind(all).Cluster.Relay.AdvertisedAddress);
            return;
        }

        all["Sessions:MaxSessions"] = "0";
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(all));
        Assert.Equal(2, exception.Failures.Count());
        Assert.Contains($"QuicTunnel:{error}", exception.Failures);
    }

    [Fact]
    public void A_secret_that_is_not_there_is_reported()
    {
        Dictionary<string, string?> all = Valid();
        all["Cluster:SecretPath"] = "missing.txt";
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(() => Bind(all));
        Assert.StartsWith($"QuicTunnel:Cluster:SecretPath: '{Path.Combine(_folder.FullName, "missing.txt")}' cannot be read:", Assert.Single(exception.Failures), StringComparison.Ordinal);
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
