namespace MtaTls.Configuration;

/// <summary>What a certificate is used for; a store may hold certificates for both.</summary>
internal enum CertificatePurpose
{
    /// <summary>A server shows it to its clients.</summary>
    Server,

    /// <summary>A client shows it to its server.</summary>
    Client,
}
