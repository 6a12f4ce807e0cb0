using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Certificates;

/// <summary>The certificate that a peer proved to own, and the others that it sent along.</summary>
internal sealed record PeerCertificates(X509Certificate2 Certificate, X509Certificate2Collection Others)
{
    public static PeerCertificates From(nint storeContext)
    {
        // The constructor takes a reference of its own to the native certificate.
        nint leaf = LibSsl.X509_STORE_CTX_get0_cert(storeContext);
        var others = new X509Certificate2Collection();
        nint stack = LibSsl.X509_STORE_CTX_get0_untrusted(storeContext);
        for (int i = 0; i < LibSsl.OPENSSL_sk_num(stack); i++)
        {
            nint certificate = LibSsl.OPENSSL_sk_value(stack, i);
            if (certificate != leaf)
            {
                others.Add(new X509Certificate2(certificate));
            }
        }

        return new PeerCertificates(new X509Certificate2(leaf), others);
    }
}
