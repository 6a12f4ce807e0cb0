namespace MtaTls.Tls;

/// <summary>TLS alert descriptions (RFC 8446, section 6; RFC 5246, section 7.2).</summary>
#pragma warning disable CA1028 // On the wire an alert is one byte.
public enum TlsAlert : byte
#pragma warning restore CA1028
{
    /// <summary>The sender ends the connection in order and sends no more data.</summary>
    CloseNotify = 0,

    /// <summary>An inappropriate message was received.</summary>
    UnexpectedMessage = 10,

    /// <summary>A record failed its integrity check.</summary>
    BadRecordMac = 20,

    /// <summary>A record was too long.</summary>
    RecordOverflow = 22,

    /// <summary>The sender found no acceptable set of parameters, or (in TLS 1.2) a required extension is missing.</summary>
    HandshakeFailure = 40,

    /// <summary>A certificate was corrupt or refused.</summary>
    BadCertificate = 42,

    /// <summary>A certificate was of a type that is not supported.</summary>
    UnsupportedCertificate = 43,

    /// <summary>A certificate was revoked.</summary>
    CertificateRevoked = 44,

    /// <summary>A certificate has expired or is not valid yet.</summary>
    CertificateExpired = 45,

    /// <summary>A certificate was unacceptable for another reason.</summary>
    CertificateUnknown = 46,

    /// <summary>A field was out of range or inconsistent.</summary>
    IllegalParameter = 47,

    /// <summary>The chain of a certificate does not end in a trusted root.</summary>
    UnknownCa = 48,

    /// <summary>Access was denied although the certificate was valid.</summary>
    AccessDenied = 49,

    /// <summary>A message could not be decoded, for example because a <c>data_multiplexing</c> extension has a body.</summary>
    DecodeError = 50,

    /// <summary>A cryptographic operation of the handshake failed.</summary>
    DecryptError = 51,

    /// <summary>The protocol version is not supported.</summary>
    ProtocolVersion = 70,

    /// <summary>The parameters offered are not secure enough.</summary>
    InsufficientSecurity = 71,

    /// <summary>The sender had an internal error.</summary>
    InternalError = 80,

    /// <summary>A fallback to a lower version was refused.</summary>
    InappropriateFallback = 86,

    /// <summary>The sender's user canceled the handshake.</summary>
    UserCanceled = 90,

    /// <summary>Renegotiation was refused.</summary>
    NoRenegotiation = 100,

    /// <summary>A required extension is missing in TLS 1.3.</summary>
    MissingExtension = 109,

    /// <summary>The peer answered an extension that was not offered.</summary>
    UnsupportedExtension = 110,

    /// <summary>The server has no certificate for the name.</summary>
    UnrecognizedName = 112,

    /// <summary>The stapled revocation status was bad.</summary>
    BadCertificateStatusResponse = 113,

    /// <summary>The pre-shared key identity is unknown.</summary>
    UnknownPskIdentity = 115,

    /// <summary>A client certificate is required.</summary>
    CertificateRequired = 116,

    /// <summary>None of the application protocols offered is supported.</summary>
    NoApplicationProtocol = 120,
}
