using MtaTls.AspNetCore.Connections;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Connects channels to agents, for routes with the action Agent.</summary>
internal interface IAgentChannels
{
    /// <summary>Connects a channel. Called on the session's read loop: returns at once and answers the request later.</summary>
    void Start(MtaTlsServerSession session, MtaTlsChannelRequest request, string route);
}
