using MtaTls.Protocol;

namespace MtaTls.Agent;

/// <summary>
/// The gateway through which a connection came: a feature of <c>HttpContext.Features</c> and of <c>ConnectionContext.Features</c>. Absent on connections to the app's own ports, so it tells
/// trusted requests from others.
/// </summary>
public interface IMtaTlsAgentFeature
{
    /// <summary>The gateway, as in <see cref="MtaTlsAgentOptions.Gateways"/>. Its certificate was verified.</summary>
    Uri Gateway { get; }

    /// <summary>
    /// The public client for which the gateway opened the connection (source_address_machine and source_port). A gateway may send requests of several clients on one HTTP connection: each
    /// request's own client is in its X-Forwarded-For.
    /// </summary>
    ChannelAddress PublicClient { get; }

    /// <summary>The name and port that the gateway asked for, one of <see cref="MtaTlsAgentOptions.Names"/>.</summary>
    ChannelAddress Destination { get; }
}
