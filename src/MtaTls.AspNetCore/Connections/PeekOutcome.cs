namespace MtaTls.AspNetCore.Connections;

/// <summary>What is to be done with a connection, by the start of it.</summary>
internal enum PeekOutcome
{
    /// <summary>It has ended, or its client took too long: nothing.</summary>
    Over,

    /// <summary>The client does not offer the extension: Kestrel's HTTPS serves the connection, where the endpoint allows that.</summary>
    Ordinary,

    /// <summary>The client offers the extension.</summary>
    Offered,
}
