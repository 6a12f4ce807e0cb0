using System.Reflection;
using MtaTls.Agent;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Client;
using MtaTls.Configuration;
using MtaTls.Dashboard;
using MtaTls.QuicTunnel;
using MtaTls.ReverseProxy;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.Documentation.Tests.Options;

public sealed class OptionsPageTests
{
    [Fact]
    public void The_page_matches_the_settings() => Repository.AssertUpToDate("docs/options.md", OptionsPage.Write());

    // Options that only code can set: delegates, objects of the application.
    [Theory]
    [InlineData(typeof(MtaTlsOptions), "MtaTls", "")]
    [InlineData(typeof(MtaTlsLimits), "MtaTls:Limits", "")]
    [InlineData(typeof(MtaTlsEndpointOptions), "MtaTls:Endpoints", "")]
    [InlineData(typeof(MtaTlsEndpointDefaults), "MtaTls:EndpointDefaults", "")]
    [InlineData(typeof(CertificateOptions), "MtaTls:Endpoints:Certificate", "Certificate,Intermediates")]
    [InlineData(typeof(ChannelRouteOptions), "MtaTls:Channels", "")]
    [InlineData(typeof(ClientCertificateConditionOptions), "MtaTls:Channels:ClientCertificate", "")]
    [InlineData(typeof(MtaTlsTcpOptions), "MtaTls:Tcp", "")]
    [InlineData(typeof(MtaTlsProxyProtocolOptions), "MtaTls:ProxyProtocol", "")]
    [InlineData(typeof(MtaTlsAcmeChallengesOptions), "MtaTls:AcmeChallenges", "")]
    [InlineData(typeof(MtaTlsIdentityLimitOptions), "MtaTls:IdentityLimits", "")]
    [InlineData(typeof(TrustedPeerOptions), "MtaTls:TrustedPeers", "")]
    [InlineData(typeof(MtaTlsClientCertificateHeadersOptions), "MtaTls:ClientCertificateHeaders", "")]
    [InlineData(typeof(MtaTlsClientOptions), "MtaTlsClient", "CertificateChainPolicy,CipherSuitesPolicy,LoggerFactory,TimeProvider")]
    [InlineData(typeof(MtaTlsReconnectOptions), "MtaTlsClient:Reconnect", "")]
    [InlineData(typeof(MtaTlsAgentsOptions), "MtaTls:Agents", "")]
    [InlineData(typeof(MtaTlsAgentRuleOptions), "MtaTls:Agents:Rules", "")]
    [InlineData(typeof(MtaTlsClusterOptions), "MtaTls:Cluster", "")]
    [InlineData(typeof(MtaTlsAgentOptions), "MtaTlsAgent", "CertificateChainPolicy")]
    [InlineData(typeof(MtaTlsAgentForwardOptions), "MtaTlsAgent:Forward", "")]
    [InlineData(typeof(MtaTlsDashboardOptions), "MtaTlsDashboard", "")]
    [InlineData(typeof(MtaTlsDashboardInspectorOptions), "MtaTlsDashboard:Inspector", "")]
    [InlineData(typeof(QuicTunnelOptions), "QuicTunnel", "")]
    [InlineData(typeof(TunnelAuthenticationOptions), "QuicTunnel:Authentication", "")]
    [InlineData(typeof(TunnelInterfaceOptions), "QuicTunnel:Interface", "")]
    [InlineData(typeof(TunnelAddressOptions), "QuicTunnel:Addresses", "")]
    [InlineData(typeof(TunnelSessionOptions), "QuicTunnel:Sessions", "")]
    [InlineData(typeof(TunnelQueueOptions), "QuicTunnel:Queue", "")]
    [InlineData(typeof(TunnelReorderingOptions), "QuicTunnel:Reordering", "")]
    [InlineData(typeof(QuicTunnelClientOptions), "QuicTunnelClient", "")]
    [InlineData(typeof(TunnelKeepAliveOptions), "QuicTunnelClient:KeepAlive", "")]
    [InlineData(typeof(TunnelReconnectOptions), "QuicTunnelClient:Reconnect", "")]
    public void Every_option_is_a_setting(Type options, string key, string codeOnly)
    {
        IEnumerable<string> properties = options.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => !typeof(Delegate).IsAssignableFrom(p.PropertyType) && !codeOnly.Split(',').Contains(p.Name))
            .Select(static p => p.Name);
        Assert.Equal(properties.Order(), Find(key).Select(static s => s.Name).Order());
    }

    // Each description has one sentence or more, in plain characters.
    [Fact]
    public void Every_setting_is_described()
        => Assert.All(Sections.All.SelectMany(static s => All(s.Table)), static s =>
        {
            Assert.EndsWith(".", s.Description, StringComparison.Ordinal);
            Assert.True(char.IsUpper(s.Description[0]) || s.Description.StartsWith("dns:", StringComparison.Ordinal), s.Description);
        });

    private static IEnumerable<Setting> All(SettingTable table) => table.Settings.Concat(table.Settings.Where(static s => s.Children is not null).SelectMany(static s => All(s.Children!)));

    private static IEnumerable<Setting> Find(string key)
    {
        string[] path = key.Split(':');
        IEnumerable<Setting> settings = Sections.All.Where(s => s.Name == path[0]).SelectMany(static s => s.Table.Settings);
        foreach (string name in path.Skip(1))
        {
            settings = settings.Single(s => s.Name == name).Children!.Settings;
        }

        // Two packages share the section MtaTls.
        return path is ["MtaTls"] ? settings.Where(static s => !MtaTlsSettings.OfOthers.Contains(s.Name)) : settings;
    }
}
