using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Certificates;

/// <summary>
/// A certificate of this end in the form that OpenSSL needs: native handles of the certificate, its key and the intermediates to send with it. When OpenSSL is the library that .NET uses, the
/// key is not exported. The handles are its own, so the owner of the certificate can dispose it while a handshake runs.
/// </summary>
#pragma warning disable CA1001 // Handshakes on other threads can be using it, so no one disposes it: the handles are freed when it is collected.
internal sealed class CertificateContext
#pragma warning restore CA1001
{
    private readonly NativeCertificate _certificate;
    private readonly NativeKey _key;
    private readonly NativeCertificate[] _intermediates;

    /// <param name="certificate">The certificate with its private key.</param>
    /// <param name="additional">Certificates in which intermediates are searched, in addition to the machine's stores.</param>
    /// <exception cref="NotSupportedException">The certificate has no private key that OpenSSL can use.</exception>
    public CertificateContext(X509Certificate2 certificate, X509Certificate2Collection? additional)
    {
        _key = new NativeKey(certificate);
        _certificate = new NativeCertificate(certificate);
        Hash = certificate.GetCertHash(HashAlgorithmName.SHA256);

        // As SslStream does: send the part of the chain that is known locally, without the root and without a download.
        var context = SslStreamCertificateContext.Create(certificate, additional, offline: true);
        _intermediates = [.. context.IntermediateCertificates.Select(static intermediate => new NativeCertificate(intermediate))];
    }

    /// <summary>SHA-256 of the certificate.</summary>
    public byte[] Hash { get; }

    /// <summary>Sets the certificate, key and intermediates of an SSL, which takes its own references.</summary>
    public void Use(nint ssl)
    {
        OpenSslErrors.ThrowIf(LibSsl.SSL_use_certificate(ssl, _certificate.DangerousGetHandle()) != 1, "SSL_use_certificate");
        OpenSslErrors.ThrowIf(LibSsl.SSL_use_PrivateKey(ssl, _key.DangerousGetHandle()) != 1, "SSL_use_PrivateKey");
        foreach (NativeCertificate intermediate in _intermediates)
        {
            OpenSslErrors.ThrowIf(LibSsl.SSL_ctrl(ssl, LibSsl.CtrlChainCertificate, 1, intermediate.DangerousGetHandle()) != 1, "SSL_add1_chain_cert");
        }

        GC.KeepAlive(this);
    }
}
