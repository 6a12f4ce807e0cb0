namespace MtaTls.AspNetCore;

/// <summary>Where a channel goes that matches a route.</summary>
public enum ChannelRouteAction
{
    /// <summary>To the application, as a channel without a matching route does too.</summary>
    Http,

    /// <summary>To the destination that the channel names, or to the route's <see cref="ChannelRouteOptions.Upstream"/>, over TCP. Bytes are copied in both directions without inspection.</summary>
    Tcp,

    /// <summary>To an agent that has registered the destination that the channel names (<c>AddMtaTlsAgents()</c> of MtaTls.ReverseProxy). Bytes are copied in both directions without inspection.</summary>
    Agent,

    /// <summary>Nowhere: the open is refused (ChannelRequestEchec; draft, section 2.1.1) with an error text that gives no reason.</summary>
    Reject,
}
