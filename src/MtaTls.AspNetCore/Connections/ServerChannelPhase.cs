namespace MtaTls.AspNetCore.Connections;

// accepted --dispatch FirstData--> Waiting --first data--------------------> Serving -----its application has returned---+
//    |                               +--idle, shutdown, closed unused-------------------------------------------------+ |
//    +--dispatch Open---------------------------------------------------> Serving -----its application has returned---+-+--> Closing --closed on this side--> Ended
//    +--route of action Tcp---------------------------------------------> Forwarding --the tunnel has ended-----------+
//
/// <summary>The life of a channel on the server's side. Each step is taken once; the end of the session, or of the channel by its client, takes the same steps sooner.</summary>
internal enum ServerChannelPhase
{
    /// <summary>It has been accepted, and it is not decided yet what follows.</summary>
    Accepted,

    /// <summary>It has sent nothing yet: there is no HTTP pipeline for it, only this.</summary>
    Waiting,

    /// <summary>It waits no longer, and one caller alone decides whether it is served or closed.</summary>
    Claimed,

    /// <summary>The application has it.</summary>
    Serving,

    /// <summary>A Tcp route has it.</summary>
    Forwarding,

    /// <summary>Nothing uses it any more; what was written is still sent.</summary>
    Closing,

    /// <summary>It is closed on this side and counts no longer.</summary>
    Ended,
}
