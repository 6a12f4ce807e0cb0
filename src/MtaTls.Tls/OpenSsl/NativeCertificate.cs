using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls.OpenSsl;

/// <summary>Owns one reference to an X509 of the OpenSSL that is loaded here.</summary>
internal sealed unsafe class NativeCertificate : SafeHandle
{
    public NativeCertificate(X509Certificate2 certificate)
        : base(0, ownsHandle: true)
    {
        byte[] encoded = certificate.RawData;
        fixed (byte* start = encoded)
        {
            byte* at = start;
            SetHandle(LibSsl.d2i_X509(0, &at, encoded.Length));
        }

        OpenSslErrors.ThrowIf(IsInvalid, "d2i_X509");
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Creates a .NET object for an X509 of OpenSSL. The object has its own reference, or is a copy.</summary>
    public static X509Certificate2 ToManaged(nint certificate)
    {
        if (NativeLibraries.IsSharedWithDotNet)
        {
            return new X509Certificate2(certificate);
        }

        int length = LibSsl.i2d_X509(certificate, null);
        OpenSslErrors.ThrowIf(length <= 0, "i2d_X509");
        byte[] encoded = new byte[length];
        fixed (byte* start = encoded)
        {
            byte* at = start;
            OpenSslErrors.ThrowIf(LibSsl.i2d_X509(certificate, &at) != length, "i2d_X509");
        }

        return X509CertificateLoader.LoadCertificate(encoded);
    }

    protected override bool ReleaseHandle()
    {
        LibSsl.X509_free(handle);
        return true;
    }
}
