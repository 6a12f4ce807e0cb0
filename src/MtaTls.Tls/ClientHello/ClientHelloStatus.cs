namespace MtaTls.Tls;

/// <summary>What <see cref="ClientHelloReader"/> found at the start of a connection.</summary>
internal enum ClientHelloStatus
{
    /// <summary>The octets are the beginning of a ClientHello. More are needed.</summary>
    NeedMore,

    /// <summary>The octets are not a well-formed TLS ClientHello (another protocol, an SSL 2.0 hello, a malformed message).</summary>
    NotTls,

    /// <summary>The ClientHello is longer than the caller allows, or its length field says so.</summary>
    TooLong,

    /// <summary>The ClientHello is complete.</summary>
    Complete,
}
