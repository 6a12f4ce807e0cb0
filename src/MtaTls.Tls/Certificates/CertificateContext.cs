using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Certificates;

/// <summary>
/// A certificate of our own as OpenSSL needs it: native handles, taken without exporting the key where OpenSSL is .NET's own library, and the intermediates to send
/// along. It holds copies, so that the owner of the certificate may dispose it while a handshake runs.
/// </summary>
#pragma warning disable CA1001 // Handshakes on other threads may be using it: its handles go with the last of them.
internal sealed class CertificateContext
#pragma warning restore CA1001
{
    private readonly NativeCertificate _certificate;
    private readonly NativeKey _key;
    private readonly NativeCertificate[] _intermediates;

    /// <param name="certificate">The certificate with its private key.</param>
    /// <param name="additional">Where to look for intermediates besides the machine's stores.</param>
    /// <exception cref="NotSupportedException">There is no private key that OpenSSL could use.</exception>
    public CertificateContext(X509Certificate2 certificate, X509Certificate2Collection? additional)
    {
        _key = new NativeKey(certificate);
        _certificate = new NativeCertificate(certificate);
        Hash = certificate.GetCertHash(HashAlgorithmName.SHA256);

        // The same rule as SslStream's: as much of the chain as is known here, without the root and without asking the network.
        var context = SslStreamCertificateContext.Create(certificate, additional, offline: true);
        _intermediates = [.. context.IntermediateCertificates.Select(static intermediate => new NativeCertificate(intermediate))];
    }

    /// <summary>SHA-256 of the certificate.</summary>
    public byte[] Hash { get; }

    /// <summary>Gives certificate, key and intermediates to an SSL, which takes references of its own.</summary>
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
