using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>Configuration from files, the environment and code. An invalid one is refused as a whole with all errors, and changes apply while the server runs.</summary>
public class ReloadTests
{
    [Fact]
    public async Task A_change_of_routes_applies_without_a_restart_and_an_invalid_one_changes_nothing()
    {
        await using var server = TcpServer.StartNamed("inside");
        string tcp = $$"""{ "MtaTls": { "Channels": [ { "Hosts": [ "db.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}", "AllowAnonymous": true } ] } }""";
        await using TestApp gateway = await Gateway.StartAsync("""{ "MtaTls": { "Channels": [ { "Hosts": [ "db.internal" ], "Action": "Reject" } ] } }""");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("db.internal", 5432));

        // On the same session: the configuration at the time of the open decides about a channel.
        Gateway.Write(gateway.ContentRoot, tcp);
        await Wait.UntilAsync(() => gateway.Messages("OptionsReloaded").Length > 0);
        await using (HttpChannel channel = await client.OpenAsync("db.internal", 5432))
        {
            Assert.Equal("inside", await channel.ReadToEndAsync());
        }

        Gateway.Write(gateway.ContentRoot, """{ "MtaTls": { "Channels": [ { "Host": "db.internal", "Action": "Tpc", "Ports": [ "0" ] } ], "Tcp": { "MaxConnections": "none" } } }""");
        await Wait.UntilAsync(() => gateway.Messages("OptionsNotReloaded").Length > 0);
        string error = gateway.Messages("OptionsNotReloaded")[0];
        foreach (string key in (string[])["MtaTls:Channels:0:Host:", "MtaTls:Channels:0:Action:", "MtaTls:Channels:0:Ports:0:", "MtaTls:Tcp:MaxConnections:"])
        {
            Assert.Contains(key, error, StringComparison.Ordinal);
        }

        await using (HttpChannel channel = await client.OpenAsync("db.internal", 5432))
        {
            Assert.Equal("inside", await channel.ReadToEndAsync());
        }
    }

    [Fact]
    public async Task Another_certificate_in_the_configuration_applies_to_the_next_handshake()
    {
        static string Settings(string name) => $$"""
            { "MtaTls": { "Endpoints": { "Public": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "{{name}}.pem", "KeyPath": "{{name}}.key" } } } } }
            """;
        await using TestApp gateway = await TestApp.StartBareAsync(
            builder => builder.WebHost.UseMtaTls(),
            files: directory =>
            {
                PemFiles.Write(directory, "first", TestCertificates.Server);
                PemFiles.Write(directory, "second", TestCertificates.RsaServer);
                Gateway.Write(directory, Settings("first"));
            });
        Assert.Equal(TestCertificates.Server.Thumbprint, await CertificateAsync(gateway));

        Gateway.Write(gateway.ContentRoot, Settings("second"));
        await Wait.UntilAsync(() => gateway.Messages("OptionsReloaded").Length > 0);
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, await CertificateAsync(gateway));
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, (await OrdinaryClient.CertificatesAsync(gateway.Port))[0]);

        Gateway.Write(gateway.ContentRoot, Settings("missing"));
        await Wait.UntilAsync(() => gateway.Messages("OptionsNotReloaded").Length > 0);
        Assert.Contains("MtaTls:Endpoints:Public:Certificate", gateway.Messages("OptionsNotReloaded")[0], StringComparison.Ordinal);
        Assert.Equal(TestCertificates.RsaServer.Thumbprint, await CertificateAsync(gateway));
    }

    [Fact]
    public async Task One_message_contains_all_errors_with_their_keys()
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => Gateway.StartAsync(
            """
            { "MtaTls": {
              "ExtensionType": "none",
              "AllowHostMismatch": "perhaps",
              "Limits": { "MaxPendingChannels": 0 },
              "Endpoints": { "Public": { "Url": "http://*:80", "Mode": "Sometimes" } },
              "Tcp": { "ConnectTimeout": "-00:00:01", "Timeout": 3 },
              "Channels": [
                { "Hosts": "db.internal" },
                { "Hosts": [ "bücher.example" ], "Action": "Tcp", "Upstream": "nowhere", "AllowedNetworks": [ "10.0.0.1/8" ] },
                { "ClientCertificate": { "Thumbprints": [ "abc" ], "Subject": "CN=x" } } ],
              "Destinations": { "app1.internal:http": "http://10.0.0.5", "app2.internal:80": "10.0.0.5" },
              "TrustedPeers": [ { "Networks": [ "everybody" ] }, { } ] } }
            """,
            configure: builder => builder.Services.AddReverseProxy().LoadFromMemory([], []).AddMtaTlsRouting()));
        foreach (string key in (string[])
        [
            "MtaTls:ExtensionType", "MtaTls:AllowHostMismatch", "MtaTls:Limits:MaxPendingChannels", "MtaTls:Endpoints:Public:Url", "MtaTls:Endpoints:Public:Mode",
            "MtaTls:Tcp:ConnectTimeout", "MtaTls:Tcp:Timeout", "MtaTls:Channels:0:Hosts", "MtaTls:Channels:1:Hosts:0", "MtaTls:Channels:1:Upstream", "MtaTls:Channels:1:AllowedNetworks:0",
            "MtaTls:Channels:1:", "MtaTls:Channels:2:ClientCertificate:Thumbprints:0", "MtaTls:Channels:2:ClientCertificate:Issuer",
            "MtaTls:Destinations:app1.internal:http", "MtaTls:Destinations:app2.internal:80", "MtaTls:TrustedPeers:0:Networks:0",
        ])
        {
            Assert.Contains(key, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_Tcp_route_for_all_clients_needs_AllowAnonymous()
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => Gateway.StartAsync("""{ "MtaTls": { "Channels": [ { "Action": "Tcp", "Hosts": [ "db.internal" ] } ] } }"""));
        Assert.Contains("MtaTls:Channels:0: a route with the action Tcp needs a ClientCertificate condition, or AllowAnonymous: true", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Routes_may_come_from_code_and_from_single_keys_as_environment_variables_make_them()
    {
        await using var one = TcpServer.StartNamed("one");
        await using var two = TcpServer.StartNamed("two");
        await using TestApp gateway = await Gateway.StartAsync(
            "{}",
            configure: builder =>
            {
                // The key of the environment variable MtaTls__Channels__0__Hosts__0.
                builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
                {
                    ["MtaTls:Channels:0:Hosts:0"] = "one.internal",
                    ["MtaTls:Channels:0:Action"] = "tcp",
                    ["MtaTls:Channels:0:Upstream"] = $"127.0.0.1:{one.Port}",
                    ["MtaTls:Channels:0:AllowAnonymous"] = "true",
                });
                builder.WebHost.UseMtaTls(o => o.Channels.Add(new ChannelRouteOptions
                {
                    Hosts = { "*.internal" },
                    Action = ChannelRouteAction.Tcp,
                    Upstream = $"127.0.0.1:{two.Port}",
                    AllowAnonymous = true,
                }));
            });
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        foreach (string name in (string[])["one", "two"])
        {
            await using HttpChannel channel = await client.OpenAsync(name + ".internal");
            Assert.Equal(name, await channel.ReadToEndAsync());
        }
    }

    private static async Task<string> CertificateAsync(TestApp gateway)
    {
        await using RawClient client = await RawClient.HandshakeAsync(gateway.Port);
        return client.Tls.RemoteCertificate!.Thumbprint;
    }
}
