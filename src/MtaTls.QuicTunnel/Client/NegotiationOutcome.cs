namespace MtaTls.QuicTunnel.Client;

/// <summary>The result of a negotiation on one connection.</summary>
internal enum NegotiationOutcome
{
    /// <summary>The connection is a path of the session.</summary>
    Attached,

    /// <summary>The concentrator does not know the session, so the client must open a new one.</summary>
    SessionUnknown,

    /// <summary>The concentrator refused for another reason, or the connection ended.</summary>
    Failed,

    /// <summary>The connection is to another concentrator than the one that has the session. The session's addresses come next.</summary>
    OtherNode,
}
