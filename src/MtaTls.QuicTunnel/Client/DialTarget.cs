namespace MtaTls.QuicTunnel.Client;

/// <summary>Which concentrator a link connects to, where there are several.</summary>
internal enum DialTarget
{
    /// <summary>The one that has the session or, if that does not answer, any.</summary>
    NodeFirst,

    /// <summary>Only the one that has the session, at its own addresses.</summary>
    NodeOnly,

    /// <summary>Any, at the shared address.</summary>
    AnyNode,
}
