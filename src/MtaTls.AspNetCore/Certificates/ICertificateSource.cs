namespace MtaTls.AspNetCore.Certificates;

/// <summary>Where an endpoint's certificate comes from, asked in every handshake.</summary>
internal interface ICertificateSource
{
    /// <summary>The certificate as it is now. The same object as long as it has not changed.</summary>
    ServerCertificate Current { get; }
}
