using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using MtaTls.Agents;

namespace MtaTls.Agent.Tests;

/// <summary>Reading the section MtaTlsAgent, and its errors.</summary>
public class SettingsTests
{
    private const string Least = """ "Gateways": [ "https://gw.example:8443" ], "Names": [ "plant7.internal" ] """;

    [Fact]
    public void All_settings_are_read()
    {
        MtaTlsAgentOptions options = Read($$"""
            { {{Least}}, "Sessions": 3, "Agent": "plant7-a", "Weight": 4, "Protocols": "Http1", "ServeLocally": true, "DrainTimeout": "00:00:10",
              "Forward": [ { "Name": "ssh.plant7.internal:22", "Upstream": "127.0.0.1:22" } ], "UseForwardedHeaders": false, "ConnectTimeout": "00:00:05",
              "ForwardConnectTimeout": "00:00:03", "MaxForwardConnections": 7, "Reconnect": { "MaxDelay": "00:00:20" }, "TargetHost": "gw", "ExtensionType": "0xFF6E" }
            """);
        Assert.Equal(["https://gw.example:8443"], options.Gateways);
        Assert.Equal(["plant7.internal"], options.Names);
        Assert.Equal((3, "plant7-a", 4, HttpProtocols.Http1, true), (options.Sessions, options.Agent, options.Weight, options.Protocols, options.ServeLocally));
        Assert.Equal((10, 5, 3), (options.DrainTimeout.TotalSeconds, options.ConnectTimeout.TotalSeconds, options.ForwardConnectTimeout.TotalSeconds));
        Assert.Equal((7, false, "gw", 0xFF6E), (options.MaxForwardConnections, options.UseForwardedHeaders, options.TargetHost, options.ExtensionType));
        Assert.Equal(20, options.Reconnect.MaxDelay.TotalSeconds);
        Assert.Equal(("ssh.plant7.internal:22", "127.0.0.1:22"), (options.Forward[0].Name, options.Forward[0].Upstream));
    }

    [Theory]
    [InlineData("""{ "Names": [ "a.internal" ] }""", "MtaTlsAgent:Gateways")]
    [InlineData("""{ "Gateways": [ "https://gw" ] }""", "MtaTlsAgent:Names")]
    [InlineData("""{ "Gateways": [ "http://gw" ], "Names": [ "a.internal" ] }""", "MtaTlsAgent:Gateways:0")]
    [InlineData("""{ "Gateways": [ "https://gw/path" ], "Names": [ "a.internal" ] }""", "MtaTlsAgent:Gateways:0")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "*.internal" ] }""", "MtaTlsAgent:Names:0")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "a.internal", "A.internal" ] }""", "MtaTlsAgent:Names:1")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "a.internal" ], "Sessions": 17 }""", "MtaTlsAgent:Sessions")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "a.internal" ], "Weight": 0 }""", "MtaTlsAgent:Weight")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "a.internal" ], "Protocols": "Http3" }""", "MtaTlsAgent:Protocols")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "a.internal" ], "Agent": "a b" }""", "MtaTlsAgent:Agent")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Forward": [ { "Name": "a.internal", "Upstream": "127.0.0.1:22" } ] }""", "MtaTlsAgent:Forward:0:Name")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Forward": [ { "Name": "a.internal:22", "Upstream": "127.0.0.1" } ] }""", "MtaTlsAgent:Forward:0:Upstream")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "a.internal:22" ], "Forward": [ { "Name": "a.internal:22", "Upstream": "127.0.0.1:22" } ] }""", "MtaTlsAgent:Forward:0:Name")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "a.internal" ], "Nmae": "x" }""", "MtaTlsAgent:Nmae")]
    [InlineData("""{ "Gateways": [ "https://gw" ], "Names": [ "a.internal" ], "ClientCertificate": { "Path": "missing.pem" } }""", "MtaTlsAgent:ClientCertificate")]
    public void Invalid_settings_are_reported_with_their_key(string section, string key)
    {
        OptionsValidationException e = Assert.Throws<OptionsValidationException>(() => Read(section));
        Assert.Contains(e.Failures, f => f.StartsWith(key, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("plant7.internal", "plant7.internal", 80)]
    [InlineData("Plant7.Internal:8080", "plant7.internal", 8080)]
    [InlineData("a_b-c.x", "a_b-c.x", 80)]
    public void A_name_is_a_host_with_or_without_a_port(string text, string host, int port)
    {
        Assert.True(AgentProtocol.TryParseName(text, out AgentName name));
        Assert.Equal((host, port), (name.Host, name.Port));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("*.internal")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]:80")]
    [InlineData("a..b")]
    [InlineData("a:0")]
    [InlineData("a:65536")]
    [InlineData("a:")]
    [InlineData("a b")]
    [InlineData("a\r\nb")]
    [InlineData("a|b")]
    [InlineData("ä.internal")]
    public void Invalid_names_are_rejected(string? text) => Assert.False(AgentProtocol.TryParseName(text, out _));

    private static MtaTlsAgentOptions Read(string section)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "MtaTlsAgent": {{section}} }""")));
        builder.WebHost.UseMtaTlsAgent();
        return builder.Build().Services.GetRequiredService<IOptions<MtaTlsAgentOptions>>().Value;
    }
}
