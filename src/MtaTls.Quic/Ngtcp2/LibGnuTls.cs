using System.Runtime.InteropServices;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>The functions of GnuTLS that this package uses.</summary>
internal static unsafe partial class LibGnuTls
{
    public const string FileName = "libgnutls.so.30";

    public const uint Server = 1;
    public const uint Client = 2;
    public const uint NoAutoSendTicket = 1 << 21;
    public const uint NoEndOfEarlyData = 1 << 22;
    public const int CredentialsCertificate = 1;
    public const int FormatPem = 1;
    public const uint AlpnMandatory = 1;
    public const uint AlpnServerPrecedence = 2;
    public const int CertificateRequest = 1;
    public const int CertificateRequire = 2;
    public const int NameDns = 1;

    /// <summary>gnutls_datum_t</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    public struct Datum
    {
        public byte* Data;
        public uint Size;
    }

    [LibraryImport(FileName, EntryPoint = "gnutls_certificate_allocate_credentials")]
    public static partial int AllocateCredentials(out nint credentials);

    [LibraryImport(FileName, EntryPoint = "gnutls_certificate_free_credentials")]
    public static partial void FreeCredentials(nint credentials);

    [LibraryImport(FileName, EntryPoint = "gnutls_certificate_set_x509_key_mem")]
    public static partial int SetKey(nint credentials, Datum* certificates, Datum* key, int format);

    [LibraryImport(FileName, EntryPoint = "gnutls_certificate_set_x509_trust_mem")]
    public static partial int SetTrust(nint credentials, Datum* authorities, int format);

    [LibraryImport(FileName, EntryPoint = "gnutls_certificate_set_verify_function")]
    public static partial void SetVerifyFunction(nint credentials, delegate* unmanaged[Cdecl]<nint, int> function);

    [LibraryImport(FileName, EntryPoint = "gnutls_init")]
    public static partial int Init(out nint session, uint flags);

    [LibraryImport(FileName, EntryPoint = "gnutls_deinit")]
    public static partial void Deinit(nint session);

    [LibraryImport(FileName, EntryPoint = "gnutls_priority_init")]
    public static partial int InitPriorities(out nint priorities, byte* text, nint errorPosition);

    [LibraryImport(FileName, EntryPoint = "gnutls_priority_set")]
    public static partial int SetPriorities(nint session, nint priorities);

    [LibraryImport(FileName, EntryPoint = "gnutls_credentials_set")]
    public static partial int SetCredentials(nint session, int type, nint credentials);

    [LibraryImport(FileName, EntryPoint = "gnutls_certificate_server_set_request")]
    public static partial void SetCertificateRequest(nint session, int request);

    [LibraryImport(FileName, EntryPoint = "gnutls_session_set_ptr")]
    public static partial void SetSessionPointer(nint session, void* pointer);

    [LibraryImport(FileName, EntryPoint = "gnutls_session_get_ptr")]
    public static partial void* GetSessionPointer(nint session);

    [LibraryImport(FileName, EntryPoint = "gnutls_alpn_set_protocols")]
    public static partial int SetAlpn(nint session, Datum* protocols, uint count, uint flags);

    [LibraryImport(FileName, EntryPoint = "gnutls_alpn_get_selected_protocol")]
    public static partial int GetAlpn(nint session, Datum* protocol);

    [LibraryImport(FileName, EntryPoint = "gnutls_server_name_set")]
    public static partial int SetServerName(nint session, int type, byte* name, nuint length);

    [LibraryImport(FileName, EntryPoint = "gnutls_certificate_get_peers")]
    public static partial Datum* GetPeers(nint session, out uint count);

    [LibraryImport(FileName, EntryPoint = "gnutls_strerror")]
    private static partial nint StrError(int error);

    public static string ErrorText(int error) => Marshal.PtrToStringUTF8(StrError(error)) ?? "";
}
