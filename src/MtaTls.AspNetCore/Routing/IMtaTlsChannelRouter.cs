using MtaTls.AspNetCore.Connections;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Decides for each channel that a client asks for where it goes.</summary>
internal interface IMtaTlsChannelRouter
{
    /// <summary>Called on the session's read loop: it must not wait. An exception refuses the channel.</summary>
    MtaTlsChannelAction Decide(MtaTlsServerSession session, MtaTlsChannelRequest request);
}
