namespace MtaTls.Client.Sessions;

/// <summary>The draft has no codes for refusals, only a text. These are the texts of this project's servers that tell of the session, not of the channel's destination; docs/mta-tls-wire.md, Errors.</summary>
internal static class RefusalReasons
{
    /// <summary>The session is full; another one may have room.</summary>
    public static bool IsForWantOfRoom(string reason) => reason is "Too many channels" or "No buffer space";

    /// <summary>The session is being shut down; a new one may be served.</summary>
    public static bool IsShuttingDown(string reason) => reason is "No new channels";
}
