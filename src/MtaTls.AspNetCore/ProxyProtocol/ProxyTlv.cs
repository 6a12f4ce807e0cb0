namespace MtaTls.AspNetCore.ProxyProtocol;

/// <summary>The TLV types that this library reads or writes, and the bits of PP2_TYPE_SSL (section 2.2 of the PROXY protocol's specification).</summary>
internal static class ProxyTlv
{
    public const byte Alpn = 0x01;
    public const byte Authority = 0x02;
    public const byte Crc32C = 0x03;
    public const byte UniqueId = 0x05;
    public const byte Ssl = 0x20;
    public const byte SslVersion = 0x21;
    public const byte SslCommonName = 0x22;
    public const byte SslCipher = 0x23;

    /// <summary>PP2_CLIENT_SSL: the client has connected over TLS.</summary>
    public const byte ClientSsl = 0x01;

    /// <summary>PP2_CLIENT_CERT_CONN: the client has sent a certificate in this connection.</summary>
    public const byte ClientCertificateInConnection = 0x02;

    /// <summary>PP2_CLIENT_CERT_SESS: the client has sent a certificate in this TLS session, perhaps in an earlier connection.</summary>
    public const byte ClientCertificateInSession = 0x04;
}
