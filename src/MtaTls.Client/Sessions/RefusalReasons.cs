namespace MtaTls.Client.Sessions;

/// <summary>The draft has no codes for refusals, only a text. These are the texts by which this project's servers say that a session is full.</summary>
internal static class RefusalReasons
{
    public static bool IsForWantOfRoom(string reason) => reason is "too many channels" or "too many pending channels" or "no channel id is free" or "no receive budget is left";
}
