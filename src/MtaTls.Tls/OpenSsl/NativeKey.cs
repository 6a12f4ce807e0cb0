using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls.OpenSsl;

/// <summary>Owns one reference to a private key of the OpenSSL that is loaded here.</summary>
internal sealed unsafe class NativeKey : SafeHandle
{
    /// <param name="certificate">The certificate with the key.</param>
    /// <exception cref="NotSupportedException">The certificate has no RSA or ECDSA key, or the key cannot be exported although that is necessary.</exception>
    public NativeKey(X509Certificate2 certificate)
        : base(0, ownsHandle: true)
    {
        SetHandle(NativeLibraries.IsSharedWithDotNet ? Share(certificate) : Copy(certificate));
        OpenSslErrors.ThrowIf(IsInvalid, "Importing the private key into OpenSSL");
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibSsl.EVP_PKEY_free(handle);
        return true;
    }

    // When .NET uses OpenSSL, its keys have these types.
#pragma warning disable CA1416
    private static nint Share(X509Certificate2 certificate)
    {
        using RSA? rsa = certificate.GetRSAPrivateKey();
        using ECDsa? ecdsa = certificate.GetECDsaPrivateKey();
        using SafeEvpPKeyHandle key = rsa is RSAOpenSsl rsaKey ? rsaKey.DuplicateKeyHandle()
            : ecdsa is ECDsaOpenSsl ecdsaKey ? ecdsaKey.DuplicateKeyHandle()
            : throw new NotSupportedException("The certificate has no RSA or ECDSA private key that OpenSSL can use.");
        _ = LibSsl.EVP_PKEY_up_ref(key.DangerousGetHandle());
        return key.DangerousGetHandle();
    }
#pragma warning restore CA1416

    private static nint Copy(X509Certificate2 certificate)
    {
        byte[] encoded = Export(certificate);
        try
        {
            fixed (byte* start = encoded)
            {
                byte* at = start;
                return LibSsl.d2i_AutoPrivateKey(0, &at, encoded.Length);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(encoded);
        }
    }

    private static byte[] Export(X509Certificate2 certificate)
    {
        using RSA? rsa = certificate.GetRSAPrivateKey();
        using ECDsa? ecdsa = certificate.GetECDsaPrivateKey();
        AsymmetricAlgorithm key = (AsymmetricAlgorithm?)rsa ?? ecdsa ?? throw new NotSupportedException("The certificate has no RSA or ECDSA private key that OpenSSL can use.");
        try
        {
            return key.ExportPkcs8PrivateKey();
        }
        catch (CryptographicException)
        {
            // Windows exports some keys only in encrypted form.
        }

        try
        {
            string password = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));
            byte[] encrypted = key.ExportEncryptedPkcs8PrivateKey(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1));
            using AsymmetricAlgorithm copy = rsa is not null ? RSA.Create() : ECDsa.Create();
            copy.ImportEncryptedPkcs8PrivateKey(password, encrypted, out _);
            return copy.ExportPkcs8PrivateKey();
        }
        catch (CryptographicException e)
        {
            throw new NotSupportedException("The certificate's private key cannot be exported. This OpenSSL is not the library that .NET uses, so it needs a copy of the key: load the certificate with X509KeyStorageFlags.Exportable.", e);
        }
    }
}
