namespace MtaTls.AspNetCore.Connections;

/// <summary>The decision about a connection, from its first bytes.</summary>
internal enum PeekOutcome
{
    /// <summary>The connection has ended, or its client took too long.</summary>
    Over,

    /// <summary>The client does not offer the extension: Kestrel's HTTPS serves the connection if the endpoint's mode allows that.</summary>
    Ordinary,

    /// <summary>The client offers the extension.</summary>
    Offered,
}
