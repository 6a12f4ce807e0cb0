namespace MtaTls.AspNetCore.ProxyProtocol;

/// <summary>The result of reading a PROXY protocol header from the first bytes of a connection.</summary>
internal enum ProxyHeaderStatus
{
    /// <summary>The beginning of a header; more bytes are needed.</summary>
    NeedMore,

    /// <summary>A complete header.</summary>
    Complete,

    /// <summary>The connection does not begin with a header.</summary>
    Absent,

    /// <summary>A header that violates the specification, or that is not for a TCP connection.</summary>
    Invalid,

    /// <summary>A header that is longer than <see cref="MtaTlsProxyProtocolOptions.MaxHeaderLength"/>.</summary>
    TooLong,
}
