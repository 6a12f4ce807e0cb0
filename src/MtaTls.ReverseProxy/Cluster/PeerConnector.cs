using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>Opens channels to agents of this gateway, and through other gateways to theirs.</summary>
internal sealed class PeerConnector(AgentRegistry registry, Peers peers) : IAgentConnector
{
    public ValueTask<MtaTlsAgentChannel> OpenAsync(AgentMember member, ChannelAddress source, CancellationToken cancellationToken = default)
        => member.Node == peers.Self ? registry.OpenAsync(member, source, cancellationToken) : peers.OpenAsync(member, source, cancellationToken);
}
