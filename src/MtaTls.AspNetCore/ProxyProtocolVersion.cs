namespace MtaTls.AspNetCore;

/// <summary>The version of the PROXY protocol header that a Tcp route sends to its destination before all other data.</summary>
public enum ProxyProtocolVersion
{
    /// <summary>No header: the destination sees the server as its client. The default.</summary>
    None,

    /// <summary>Version 1: a line of text with the client's address and the address to which the client has connected.</summary>
    V1,

    /// <summary>Version 2: the same addresses in binary, and TLVs with the TLS session, its server name and the channel's id in the server's log.</summary>
    V2,
}
