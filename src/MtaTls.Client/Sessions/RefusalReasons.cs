namespace MtaTls.Client.Sessions;

/// <summary>Recognizes refusals that concern the session, not the channel's destination. The draft has no error codes, so the error texts of this project's servers are compared (docs/mta-tls-wire.md, Errors).</summary>
internal static class RefusalReasons
{
    /// <summary>Whether the session is full. Another session may have room.</summary>
    public static bool IsFull(string reason) => reason is "Too many channels" or "No buffer space";

    /// <summary>Whether the session is shutting down. Another session may accept the channel.</summary>
    public static bool IsShuttingDown(string reason) => reason is "No new channels";
}
