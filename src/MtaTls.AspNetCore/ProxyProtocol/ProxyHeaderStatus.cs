namespace MtaTls.AspNetCore.ProxyProtocol;

/// <summary>What the first bytes of a connection are.</summary>
internal enum ProxyHeaderStatus
{
    /// <summary>The beginning of a header.</summary>
    NeedMore,

    /// <summary>A whole header.</summary>
    Complete,

    /// <summary>No header at all.</summary>
    Absent,

    /// <summary>A header that breaks the rules, or of a kind that does not belong in front of a TCP connection.</summary>
    Invalid,

    /// <summary>A header that is longer than is allowed.</summary>
    TooLong,
}
