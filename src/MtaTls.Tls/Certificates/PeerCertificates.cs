using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Certificates;

/// <summary>The certificate that a peer proved to own, and the other certificates that it sent.</summary>
internal sealed record PeerCertificates(X509Certificate2 Certificate, X509Certificate2Collection Others)
{
    public static PeerCertificates From(nint storeContext)
    {
        nint leaf = LibSsl.X509_STORE_CTX_get0_cert(storeContext);
        var others = new X509Certificate2Collection();
        nint stack = LibSsl.X509_STORE_CTX_get0_untrusted(storeContext);
        for (int i = 0; i < LibSsl.OPENSSL_sk_num(stack); i++)
        {
            nint certificate = LibSsl.OPENSSL_sk_value(stack, i);
            if (certificate != leaf)
            {
                others.Add(NativeCertificate.ToManaged(certificate));
            }
        }

        return new PeerCertificates(NativeCertificate.ToManaged(leaf), others);
    }
}
