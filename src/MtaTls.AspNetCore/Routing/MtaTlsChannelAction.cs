using MtaTls.AspNetCore.Connections;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>What is done with a channel that a client asks for. It answers the request: at once, or when it has done what the answer depends on.</summary>
internal abstract class MtaTlsChannelAction
{
    /// <summary>What every refusal says to the client: which rule, address or failure it was would tell a stranger what is behind.</summary>
    public const string Refusal = "Not available.";

    /// <summary>Into the application.</summary>
    public static MtaTlsChannelAction Http { get; } = new HttpAction();

    /// <summary>Refused, with a reason that reveals nothing.</summary>
    public static MtaTlsChannelAction Reject { get; } = new RejectAction();

    /// <summary>Called on the session's read loop: it must not wait, but may go on elsewhere.</summary>
    public abstract void Execute(MtaTlsServerSession session, MtaTlsChannelRequest request);

    private sealed class HttpAction : MtaTlsChannelAction
    {
        public override void Execute(MtaTlsServerSession session, MtaTlsChannelRequest request) => session.AcceptForApplication(request);
    }

    private sealed class RejectAction : MtaTlsChannelAction
    {
        public override void Execute(MtaTlsServerSession session, MtaTlsChannelRequest request) => session.Refuse(request, Refusal, "route");
    }
}
