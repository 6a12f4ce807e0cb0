namespace MtaTls.QuicTunnel.Client;

internal enum NegotiationOutcome
{
    /// <summary>The connection is a path of the session.</summary>
    Attached,

    /// <summary>The concentrator does not know the session (any more): a new one is due.</summary>
    SessionUnknown,

    /// <summary>Refused for another reason, or the connection ended.</summary>
    Failed,
}
