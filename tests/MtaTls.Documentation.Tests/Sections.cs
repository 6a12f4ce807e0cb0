using MtaTls.Agent;
using MtaTls.Agent.Configuration;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Client.Configuration;
using MtaTls.Configuration;
using MtaTls.Dashboard;
using MtaTls.Dashboard.Configuration;
using MtaTls.QuicTunnel;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.ReverseProxy.Configuration;

namespace MtaTls.Documentation.Tests;

/// <summary>A section of appsettings.json that a package reads.</summary>
/// <param name="Package">The package.</param>
/// <param name="Name">The section's key.</param>
/// <param name="Description">The section's description.</param>
/// <param name="Table">Its settings.</param>
/// <param name="IsShared">Whether another package reads other keys of the section.</param>
internal sealed record Section(string Package, string Name, string Description, SettingTable Table, bool IsShared = false);

/// <summary>All sections that packages read.</summary>
internal static class Sections
{
    public static IReadOnlyList<Section> All { get; } =
    [
        new("MtaTls.AspNetCore", MtaTlsSettings.SectionName, "MTA-TLS in Kestrel (UseMtaTls()): many channels in one TLS session.", MtaTlsSettings.Table, IsShared: true),
        new("MtaTls.ReverseProxy", MtaTlsSettings.SectionName, "MTA-TLS in YARP: forwarding by the destination of channels, and agents.", ReverseProxySections.Table, IsShared: true),
        new("MtaTls.Client", "MtaTlsClient", "The MTA-TLS client (UseMtaTls() of HttpClient's handlers).", MtaTlsClientSettings.Table),
        new("MtaTls.Agent", MtaTlsAgentOptions.SectionName, "An agent, an app that is served through a gateway (UseMtaTlsAgent()).", AgentSettings.Table),
        new("MtaTls.Dashboard", MtaTlsDashboardOptions.SectionName, "The live page (AddMtaTlsDashboard()).", DashboardSettings.Table),
        new("MtaTls.QuicTunnel", QuicTunnelOptions.SectionName, "The concentrator of QUIC tunnels (AddQuicTunnel()).", QuicTunnelSettings.Table),
        new("MtaTls.QuicTunnel", QuicTunnelClientOptions.SectionName, "The client of QUIC tunnels (AddQuicTunnelClient()).", TunnelSettings.Client),
    ];

    public static IEnumerable<IGrouping<string, Section>> ByPackage() => All.GroupBy(static s => s.Package);
}
