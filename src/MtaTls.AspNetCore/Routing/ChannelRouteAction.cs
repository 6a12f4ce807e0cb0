namespace MtaTls.AspNetCore;

/// <summary>Where a channel goes that a route matches.</summary>
public enum ChannelRouteAction
{
    /// <summary>Into the HTTP pipeline. What no route matches goes there too: the application decides.</summary>
    Http,

    /// <summary>To the destination that the channel names (or the route's <see cref="ChannelRouteOptions.Upstream"/>), over TCP: bytes are copied both ways and never looked at.</summary>
    Tcp,

    /// <summary>To an agent that has registered the destination that the channel names (<c>AddMtaTlsAgents()</c> of MtaTls.ReverseProxy): bytes are copied both ways and never looked at.</summary>
    Agent,

    /// <summary>Nowhere: the open is refused (ChannelRequestEchec), for a reason that tells nothing.</summary>
    Reject,
}
