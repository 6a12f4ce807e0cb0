using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>Opens channels to agents of this gateway directly, and to agents of other gateways through those.</summary>
internal sealed class PeerConnector(AgentRegistry registry, Peers peers) : IAgentConnector
{
    public ValueTask<MtaTlsAgentChannel> OpenAsync(AgentMember member, ChannelAddress source, CancellationToken cancellationToken = default)
        => member.Node == peers.Self ? registry.OpenAsync(member, source, cancellationToken) : peers.OpenAsync(member, source, cancellationToken);
}
