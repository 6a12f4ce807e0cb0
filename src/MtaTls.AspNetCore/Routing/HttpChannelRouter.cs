using MtaTls.AspNetCore.Connections;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Every channel goes into the application, which decides there by itself.</summary>
internal sealed class HttpChannelRouter : IMtaTlsChannelRouter
{
    public MtaTlsChannelAction Decide(MtaTlsServerSession session, MtaTlsChannelRequest request) => MtaTlsChannelAction.Http;
}
