using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls.Certificates;

/// <summary>
/// What OpenSSL needs of each certificate in use, made once for each certificate object and dropped with it: a selector that gives another
/// object rotates the certificate. (One that gives a new object every time pays for building the chain every time.)
/// </summary>
internal sealed class CertificateContextCache(X509Certificate2Collection? additional)
{
    private readonly ConditionalWeakTable<X509Certificate2, CertificateContext> _byCertificate = [];

    public CertificateContext Get(X509Certificate2 certificate) => _byCertificate.GetValue(certificate, c => new CertificateContext(c, additional));
}
