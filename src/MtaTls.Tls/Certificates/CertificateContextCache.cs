using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls.Certificates;

/// <summary>
/// The contexts of the certificates in use. Each is created once for a certificate object and dropped with it. So a selector rotates the certificate by returning another
/// object. A selector that returns a new object each time pays for building the chain each time.
/// </summary>
internal sealed class CertificateContextCache(X509Certificate2Collection? additional)
{
    private readonly ConditionalWeakTable<X509Certificate2, CertificateContext> _byCertificate = [];

    public CertificateContext Get(X509Certificate2 certificate) => _byCertificate.GetValue(certificate, c => new CertificateContext(c, additional));
}
