namespace MtaTls.Configuration;

/// <summary>Where an endpoint's certificate comes from. Asked in every handshake.</summary>
internal interface ICertificateSource
{
    /// <summary>The certificate as it is now. The same object while it has not changed.</summary>
    LoadedCertificate Current { get; }
}
