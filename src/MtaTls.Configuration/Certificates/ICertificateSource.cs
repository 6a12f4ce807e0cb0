namespace MtaTls.Configuration;

/// <summary>Provides an endpoint's certificate for each handshake.</summary>
internal interface ICertificateSource
{
    /// <summary>The current certificate. It is the same object until the certificate changes.</summary>
    LoadedCertificate Current { get; }
}
