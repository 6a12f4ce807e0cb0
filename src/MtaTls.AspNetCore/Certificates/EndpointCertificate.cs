using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>The certificate that <c>MtaTls:Endpoints</c> names for an endpoint. If the setting is removed, the certificate stays in use until the server starts again.</summary>
internal sealed class EndpointCertificate(string endpoint, string key, CertificateSource source, EndpointCertificates certificates, CurrentSettings settings, ILogger logger)
    : EndpointFile<CertificateSource>(endpoint, key, source, certificates, settings, logger), ICertificateSource
{
    public LoadedCertificate Current => Source.Current;

    protected override CertificateSource? Read(MtaTlsEndpointOptions endpoint, CertificateSource present, ErrorList errors)
        => Certificates.Describe(endpoint.Certificate) == present.Description ? present : Certificates.Create(Key, endpoint.Certificate, errors);

    protected override void Report(CertificateSource source)
    {
        X509Certificate2 certificate = source.Current.Certificate;
        Logger.CertificateReloaded(Key, certificate.Thumbprint, certificate.NotAfter);
    }
}
