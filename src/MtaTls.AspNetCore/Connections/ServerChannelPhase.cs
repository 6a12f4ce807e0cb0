namespace MtaTls.AspNetCore.Connections;

// accepted --dispatch FirstData--> Waiting --first data--------------------> Serving -----its application has returned---+
//    |                               +--idle, shutdown, closed unused-------------------------------------------------+ |
//    +--dispatch Open---------------------------------------------------> Serving -----its application has returned---+-+--> Closing --closed on this side--> Ended
//    +--route of action Tcp---------------------------------------------> Forwarding --the tunnel has ended-----------+
//
/// <summary>The phases of a channel on the server. Each transition happens once. If the session ends or the client closes the channel, the same transitions happen sooner.</summary>
internal enum ServerChannelPhase
{
    /// <summary>The channel is accepted, and the next phase is not yet decided.</summary>
    Accepted,

    /// <summary>The client has sent no data on it yet, so there is no HTTP pipeline.</summary>
    Waiting,

    /// <summary>One caller has taken it from the waiting channels and decides whether it is served or closed.</summary>
    Claimed,

    /// <summary>The application serves it.</summary>
    Serving,

    /// <summary>A Tcp route forwards it.</summary>
    Forwarding,

    /// <summary>Nothing uses it any more, but written data is still sent.</summary>
    Closing,

    /// <summary>The server has closed it and no longer counts it.</summary>
    Ended,
}
