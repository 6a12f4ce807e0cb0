using MtaTls.Protocol;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Opens channels to agents. The default reaches the agents of this gateway.</summary>
public interface IAgentConnector
{
    /// <summary>Opens a channel.</summary>
    /// <param name="member">The agent.</param>
    /// <param name="source">The public client's address, the source of the channel.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The channel. The caller disposes it.</returns>
    /// <exception cref="IOException">The agent is gone, refuses, or does not answer in time. Nothing was sent.</exception>
    ValueTask<MtaTlsAgentChannel> OpenAsync(AgentMember member, ChannelAddress source, CancellationToken cancellationToken = default);
}
