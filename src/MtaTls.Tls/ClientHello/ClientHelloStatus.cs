namespace MtaTls.Tls;

/// <summary>What <see cref="ClientHelloReader"/> found at the start of a connection.</summary>
internal enum ClientHelloStatus
{
    /// <summary>So far the octets are the beginning of a ClientHello; more are needed.</summary>
    NeedMore,

    /// <summary>The octets are not a well-formed TLS ClientHello (another protocol, an SSL 2.0 hello, a malformed message).</summary>
    NotTls,

    /// <summary>The ClientHello is, or says that it will be, longer than the caller allows.</summary>
    TooLong,

    /// <summary>The whole ClientHello has been read.</summary>
    Complete,
}
