using System.Text;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using MtaTls.ReverseProxy.Configuration;

namespace MtaTls.ReverseProxy.Tests;

/// <summary>The settings that this package reads from the section MtaTls.</summary>
public sealed class ConfigurationTests
{
    [Fact]
    public void Destinations_keep_their_colons_and_peers_their_conditions()
    {
        (MtaTlsReverseProxyOptions options, string[] errors) = Read("""
            { "Destinations": { "app1.internal:80": "http://10.0.0.5:5000", "*:443": "https://other" },
              "TrustedPeers": [ { "Networks": [ "10.0.0.0/8" ], "ClientCertificate": { "Subject": "CN=a", "Issuer": "CN=b" } } ] }
            """);
        Assert.Empty(errors);
        Assert.Equal("http://10.0.0.5:5000", options.Destinations["app1.internal:80"]);
        Assert.Equal("https://other", options.Destinations["*:443"]);
        TrustedPeerOptions peer = Assert.Single(options.TrustedPeers);
        Assert.Equal(["10.0.0.0/8"], peer.Networks);
        Assert.Equal(("CN=a", "CN=b"), (peer.ClientCertificate!.Subject, peer.ClientCertificate.Issuer));
    }

    // MtaTls.AspNetCore reads the other keys of the section.
    [Fact]
    public void Keys_of_the_server_are_ignored() => Assert.Empty(Read("""{ "ExtensionType": 1, "Limits": { } }""").Errors);

    [Theory]
    [InlineData("""{ "TrustedPeers": [ { } ] }""", "MtaTls:TrustedPeers:0")]
    [InlineData("""{ "TrustedPeers": [ { "Network": [ "10.0.0.0/8" ], "Networks": [ "10.0.0.0/8" ] } ] }""", "MtaTls:TrustedPeers:0:Network")]
    [InlineData("""{ "TrustedPeers": [ { "Networks": [ "10.0.0.1/8" ] } ] }""", "MtaTls:TrustedPeers:0:Networks:0")]
    [InlineData("""{ "TrustedPeers": [ { "Networks": [ "10.0.0.0/8" ], "ClientCertificate": { "Isuer": "CN=b", "Thumbprints": [ "0123456789012345678901234567890123456789" ] } } ] }""", "MtaTls:TrustedPeers:0:ClientCertificate:Isuer")]
    [InlineData("""{ "Destinations": "all" }""", "MtaTls:Destinations")]
    public void Invalid_settings_are_reported_with_their_key(string section, string key)
        => Assert.StartsWith($"{key}: ", Assert.Single(Read(section).Errors), StringComparison.Ordinal);

    private static (MtaTlsReverseProxyOptions Options, string[] Errors) Read(string section)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "MtaTls": {{section}} }"""))).Build();
        ConfigureReverseProxy configure = new(configuration, new HostingEnvironment());
        MtaTlsReverseProxyOptions options = new();
        configure.Configure(options);
        ValidateOptionsResult result = new ValidateReverseProxy([configure], []).Validate(null, options);
        return (options, [.. result.Failures ?? []]);
    }
}
