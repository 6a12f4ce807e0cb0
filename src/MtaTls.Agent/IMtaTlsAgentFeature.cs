using MtaTls.Protocol;

namespace MtaTls.Agent;

/// <summary>
/// Tells through which gateway a connection came, in <c>HttpContext.Features</c> and <c>ConnectionContext.Features</c>. Connections to the app's own ports do not have this feature, so its presence means that
/// the request came from a verified gateway.
/// </summary>
public interface IMtaTlsAgentFeature
{
    /// <summary>The URL of the gateway, from <see cref="MtaTlsAgentOptions.Gateways"/> or from a gateway that stopped and named an alternate. Its certificate was verified.</summary>
    Uri Gateway { get; }

    /// <summary>
    /// The public client for which the gateway opened the connection (source_address_machine and source_port, section 3 of the draft). A gateway may send requests of several clients on one HTTP connection. The
    /// client of each request is in its X-Forwarded-For header.
    /// </summary>
    ChannelAddress PublicClient { get; }

    /// <summary>The name and port to which the gateway opened the channel, one of <see cref="MtaTlsAgentOptions.Names"/>.</summary>
    ChannelAddress Destination { get; }
}
