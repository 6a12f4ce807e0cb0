namespace MtaTls.Configuration;

/// <summary>How a certificate is used. A store can have certificates for both uses.</summary>
internal enum CertificatePurpose
{
    /// <summary>A server sends it to its clients.</summary>
    Server,

    /// <summary>A client sends it to its server.</summary>
    Client,
}
