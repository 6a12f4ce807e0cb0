using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>GnuTLS credentials: this end's certificate and key, and the function that validates the peer's certificate. Sessions share them, and each holds a reference.</summary>
internal sealed unsafe class TlsCredentials : SafeHandle
{
    internal TlsCredentials() : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Creates credentials from a certificate with its private key (null: this end sends no certificate).</summary>
    /// <exception cref="CryptographicException">The private key is missing or cannot be exported, or GnuTLS refuses the certificate.</exception>
    public static TlsCredentials Create(X509Certificate2? certificate, X509Certificate2Collection? intermediates)
    {
        var credentials = new TlsCredentials();
        try
        {
            Check(LibGnuTls.AllocateCredentials(out nint handle), "the credentials");
            credentials.SetHandle(handle);
            LibGnuTls.SetVerifyFunction(handle, &Ngtcp2Callbacks.VerifyPeer);
            if (certificate is not null)
            {
                credentials.SetCertificate(certificate, intermediates);
            }

            return credentials;
        }
        catch
        {
            credentials.Dispose();
            throw;
        }
    }

    /// <summary>Returns the private key as PEM. The caller must clear the array.</summary>
    /// <exception cref="CryptographicException">The private key is missing or cannot be exported.</exception>
    public static char[] ExportPrivateKey(X509Certificate2 certificate)
    {
        try
        {
            using AsymmetricAlgorithm? key = (AsymmetricAlgorithm?)certificate.GetRSAPrivateKey() ?? certificate.GetECDsaPrivateKey();
            byte[] der = key?.ExportPkcs8PrivateKey() ?? throw new CryptographicException("It has no RSA or ECDSA private key.");
            try
            {
                return PemEncoding.Write("PRIVATE KEY", der);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(der);
            }
        }
        catch (CryptographicException failure)
        {
            throw new CryptographicException($"The certificate '{certificate.Subject}' cannot be used for QUIC: {failure.Message} Load it with its private key and with X509KeyStorageFlags.Exportable.", failure);
        }
    }

    protected override bool ReleaseHandle()
    {
        LibGnuTls.FreeCredentials(handle);
        return true;
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw new CryptographicException($"GnuTLS refused {what}: {LibGnuTls.ErrorText(result)}");
        }
    }

    private void SetCertificate(X509Certificate2 certificate, X509Certificate2Collection? intermediates)
    {
        StringBuilder pem = new StringBuilder(certificate.ExportCertificatePem()).Append('\n');
        foreach (X509Certificate2 intermediate in intermediates ?? [])
        {
            pem.Append(intermediate.ExportCertificatePem()).Append('\n');
        }

        byte[] chain = Encoding.ASCII.GetBytes(pem.ToString());
        char[] keyText = ExportPrivateKey(certificate);
        byte[] key = Encoding.ASCII.GetBytes(keyText);
        try
        {
            fixed (byte* chainStart = chain, keyStart = key)
            {
                var chainDatum = new LibGnuTls.Datum { Data = chainStart, Size = (uint)chain.Length };
                var keyDatum = new LibGnuTls.Datum { Data = keyStart, Size = (uint)key.Length };
                Check(LibGnuTls.SetKey(handle, &chainDatum, &keyDatum, LibGnuTls.FormatPem), $"the certificate '{certificate.Subject}'");
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            Array.Clear(keyText);
        }
    }
}
