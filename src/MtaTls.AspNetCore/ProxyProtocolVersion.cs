namespace MtaTls.AspNetCore;

/// <summary>The PROXY protocol header that a Tcp route sends to its destination before everything else.</summary>
public enum ProxyProtocolVersion
{
    /// <summary>No header: the destination sees the server as its client. The default.</summary>
    None,

    /// <summary>Version 1: a line of text with the client's address and the address that the client has connected to.</summary>
    V1,

    /// <summary>Version 2: the same in binary, with TLVs for the TLS session, its server name and an id that is in the server's log.</summary>
    V2,
}
