using System.Text.Json.Nodes;

namespace MtaTls.Documentation.Tests.Schema;

/// <summary>The schemas for editors in the packages: they match the settings, and find invalid ones.</summary>
public sealed class ConfigurationSchemaTests
{
    public static TheoryData<string> Packages() => [.. Sections.ByPackage().Select(static p => p.Key)];

    public static TheoryData<string> Files() => [.. Repository.SettingsFiles()];

    [Theory]
    [MemberData(nameof(Packages))]
    public void The_schema_matches_the_settings(string package)
        => Repository.AssertUpToDate($"src/{package}/ConfigurationSchema.json", SchemaWriter.Write(Sections.ByPackage().Single(p => p.Key == package)));

    [Fact]
    public void There_are_files_to_check() => Assert.NotEmpty(Files());

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_appsettings_file_is_valid(string path) => Assert.Equal("", await Schemas.ErrorsAsync(Repository.ParseJson(Repository.Read(path)).AsObject()));

    [Theory]
    [InlineData("""{ "MtaTls": { "ExtensionType": 70000 } }""")]
    [InlineData("""{ "MtaTls": { "ExtensionType": "0x10000" } }""")]
    [InlineData("""{ "MtaTls": { "Limit": { } } }""")]
    [InlineData("""{ "MtaTls": { "Limits": { "MaxChanelsPerSession": 1 } } }""")]
    [InlineData("""{ "MtaTls": { "Limits": { "MaxChannelsPerSession": 0 } } }""")]
    [InlineData("""{ "MtaTls": { "Limits": { "HandshakeTimeout": "soon" } } }""")]
    [InlineData("""{ "MtaTls": { "Endpoints": { "Public": { "Url": "http://*:80" } } } }""")]
    [InlineData("""{ "MtaTls": { "Endpoints": { "Public": { } } } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Host": "a.internal" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Hosts": "a.internal" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Forward" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Tcp" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Tcp", "AllowAnonymous": false } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Upstream": "a:1" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "ClientCertificate": { "Subject": "CN=a" } } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "ClientCertificate": { "Thumbprints": [ "abc" ] } } ] } }""")]
    [InlineData("""{ "MtaTls": { "Tcp": { "MaxConnections": 0 } } }""")]
    [InlineData("""{ "MtaTls": { "AllowHostMismatch": "perhaps" } }""")]
    [InlineData("""{ "MtaTls": { "Destinations": { "a:80": "ftp://a" } } }""")]
    [InlineData("""{ "MtaTls": { "TrustedPeers": [ { } ] } }""")]
    [InlineData("""{ "MtaTls": { "ProxyProtocol": { "MaxHeaderLength": 106 } } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Reject", "ProxyProtocol": "V2" } ] } }""")]
    [InlineData("""{ "MtaTls": { "ClientCertificateHeaders": { "XForwardedClientCert": [ "By" ] } } }""")]
    [InlineData("""{ "MtaTlsClient": { "Prot": 443 } }""")]
    [InlineData("""{ "MtaTlsClient": { "Mode": "Never" } }""")]
    [InlineData("""{ "MtaTlsClient": { "ClientCertificate": { "Pasword": "x" } } }""")]
    [InlineData("""{ "MtaTlsClient": { "Source": { "Prt": 1 } } }""")]
    [InlineData("""{ "QuicTunnel": { "Listen": [ "0.0.0.0:4433" ], "Certificate": { }, "Schedulr": "EarliestDelivery" } }""")]
    [InlineData("""{ "QuicTunnel": { "Listen": [ "0.0.0.0:4433" ], "Certificate": { }, "Sessions": { "MaxSesions": 1 } } }""")]
    [InlineData("""{ "QuicTunnelClient": { "Concentrator": "a:1" } }""")]
    public async Task Invalid_settings_are_found(string json) => Assert.NotEqual("", await Schemas.ErrorsAsync(JsonNode.Parse(json)!.AsObject()));

    [Theory]
    [InlineData("""{ "MtaTls": { "ExtensionType": "0xFF6D", "Limits": { "MaxPacketLength": 16375 } } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Hosts": [ "a.internal" ] }, { "Action": "Tcp", "AllowAnonymous": true, "Upstream": "a:1" }, { "Action": "Reject" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Tcp", "ClientCertificate": { "Subject": "CN=a", "Issuer": "CN=b" }, "Ports": [ 1, "2-3" ] } ] } }""")]
    [InlineData("""{ "MtaTls": { "ProxyProtocol": { "Networks": [ "10.0.0.0/8", "unix" ] }, "ClientCertificateHeaders": { "XForwardedClientCert": [ "Hash" ] } } }""")]
    [InlineData("""{ "MtaTls": { "Destinations": { "a.internal:80": "http://10.0.0.5:5000" }, "TrustedPeers": [ { "Networks": [ "10.0.0.0/8" ] } ] } }""")]
    [InlineData("""{ "MtaTlsClient": { "ClientCertificate": { "Thumbprint": "0123456789012345678901234567890123456789" }, "AuthorityPath": "ca.pem" } }""")]
    [InlineData("""{ "Logging": { }, "Kestrel": { } }""")]
    public async Task Valid_settings_are_accepted(string json) => Assert.Equal("", await Schemas.ErrorsAsync(JsonNode.Parse(json)!.AsObject()));
}
