using System.Runtime.InteropServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// The functions and constants of OpenSSL 3 that this project uses: its only P/Invoke. The pointers have no owner here; <see cref="SslContextHandle"/>,
/// <see cref="SslHandle"/> and <see cref="SslSessionHandle"/> own them.
/// </summary>
internal static unsafe partial class LibSsl
{
    // NativeLibraries resolves these names to the libraries' files.
    public const string Ssl = "libssl";
    public const string Crypto = "libcrypto";

    public const ulong InitNoAtExit = 0x00080000;

    public const int Tls12 = 0x0303;
    public const int Tls13 = 0x0304;

    // Commands of SSL_ctrl and SSL_CTX_ctrl. In the C headers they are macros.
    public const int CtrlMode = 33;
    public const int CtrlSetSessionCacheMode = 44;
    public const int CtrlSetServerName = 55;
    public const int CtrlChainCertificate = 89;
    public const int CtrlSetMinProtocol = 123;
    public const int CtrlSetMaxProtocol = 124;
    public const int CtrlSetGroupsList = 92;
    public const int CtrlGetMinProtocol = 130;
    public const int CtrlGetMaxProtocol = 131;

    public const nint ModeAcceptMovingWriteBuffer = 0x02;
    public const nint ModeNoAutoChain = 0x08;
    public const nint ModeReleaseBuffers = 0x10;

    public const nint SessionCacheOff = 0x000;
    public const nint SessionCacheClient = 0x001;
    public const nint SessionCacheServer = 0x002;
    public const nint SessionCacheNoInternal = 0x300;

    public const ulong OptionIgnoreUnexpectedEof = 1UL << 7;
    public const ulong OptionNoTicket = 1UL << 14;
    public const ulong OptionNoCompression = 1UL << 17;
    public const ulong OptionAllowUnsafeLegacyRenegotiation = 1UL << 18;
    public const ulong OptionCipherServerPreference = 1UL << 22;
    public const ulong OptionNoTls12 = 1UL << 27;
    public const ulong OptionNoTls13 = 1UL << 29;
    public const ulong OptionNoRenegotiation = 1UL << 30;

    public const int VerifyNone = 0;
    public const int VerifyPeer = 1;
    public const int VerifyFailIfNoPeerCertificate = 2;

    public const uint ExtensionInClientHello = 0x0080;
    public const uint ExtensionInTls12ServerHello = 0x0100;
    public const uint ExtensionInEncryptedExtensions = 0x0400;

    public const int AlpnOk = 0;
    public const int AlpnFatal = 2;
    public const int AlpnNone = 3;

    public const int ErrorSsl = 1;
    public const int ErrorWantRead = 2;
    public const int ErrorWantWrite = 3;
    public const int ErrorSyscall = 5;
    public const int ErrorZeroReturn = 6;

    public const int InfoLoop = 0x01;
    public const int InfoWrite = 0x08;
    public const int InfoAlert = 0x4000;

    public const int BioTypeSourceSink = 0x0400;
    public const int BioControlFlush = 11;
    public const int BioRetryRead = 0x09;
    public const int BioRetryAll = 0x0F;

    [LibraryImport(Ssl)] public static partial int OPENSSL_init_ssl(ulong options, nint settings);

    // Contexts. C's long has 32 bits on Windows and 64 elsewhere. As a return type it is an int here, because no result is larger.
    [LibraryImport(Ssl)] public static partial nint TLS_server_method();
    [LibraryImport(Ssl)] public static partial nint TLS_client_method();
    [LibraryImport(Ssl)] public static partial nint SSL_CTX_new(nint method);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_free(nint ctx);
    [LibraryImport(Ssl)] public static partial int SSL_CTX_ctrl(nint ctx, int command, nint number, nint pointer);
    [LibraryImport(Ssl)] public static partial ulong SSL_CTX_set_options(nint ctx, ulong options);
    [LibraryImport(Ssl)] public static partial ulong SSL_CTX_get_options(nint ctx);
    [LibraryImport(Ssl)] public static partial ulong SSL_CTX_clear_options(nint ctx, ulong options);
    [LibraryImport(Ssl, StringMarshalling = StringMarshalling.Utf8)] public static partial int SSL_CTX_set_cipher_list(nint ctx, string list);
    [LibraryImport(Ssl, StringMarshalling = StringMarshalling.Utf8)] public static partial int SSL_CTX_set_ciphersuites(nint ctx, string list);
    [LibraryImport(Ssl)] public static partial nint SSL_CTX_get_ciphers(nint ctx);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_set_verify(nint ctx, int mode, nint callback);
    [LibraryImport(Ssl)] public static partial int SSL_CTX_set_num_tickets(nint ctx, nuint count);
    [LibraryImport(Ssl)] public static partial int SSL_CTX_set_timeout(nint ctx, nint seconds);
    [LibraryImport(Ssl)] public static partial int SSL_extension_supported(uint type);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_add_custom_ext(nint ctx, uint type, uint context,
        delegate* unmanaged[Cdecl]<nint, uint, uint, byte**, nuint*, nint, nuint, int*, nint, int> add,
        nint free, nint addArgument,
        delegate* unmanaged[Cdecl]<nint, uint, uint, byte*, nuint, nint, nuint, int*, nint, int> parse,
        nint parseArgument);

    [LibraryImport(Ssl)] public static partial void SSL_CTX_set_alpn_select_cb(nint ctx, delegate* unmanaged[Cdecl]<nint, byte**, byte*, byte*, uint, nint, int> callback, nint argument);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_set_client_hello_cb(nint ctx, delegate* unmanaged[Cdecl]<nint, int*, nint, int> callback, nint argument);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_set_cert_verify_callback(nint ctx, delegate* unmanaged[Cdecl]<nint, nint, int> callback, nint argument);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_set_cert_cb(nint ctx, delegate* unmanaged[Cdecl]<nint, nint, int> callback, nint argument);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_set_keylog_callback(nint ctx, delegate* unmanaged[Cdecl]<nint, byte*, void> callback);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_set_info_callback(nint ctx, delegate* unmanaged[Cdecl]<nint, int, int, void> callback);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_sess_set_new_cb(nint ctx, delegate* unmanaged[Cdecl]<nint, nint, int> callback);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_sess_set_get_cb(nint ctx, delegate* unmanaged[Cdecl]<nint, byte*, int, int*, nint> callback);
    [LibraryImport(Ssl)] public static partial void SSL_CTX_sess_set_remove_cb(nint ctx, delegate* unmanaged[Cdecl]<nint, nint, void> callback);

    // Connections
    [LibraryImport(Ssl)] public static partial nint SSL_new(nint ctx);
    [LibraryImport(Ssl)] public static partial void SSL_free(nint ssl);
    [LibraryImport(Ssl)] public static partial int SSL_ctrl(nint ssl, int command, nint number, nint pointer);
    [LibraryImport(Ssl)] public static partial void SSL_set_bio(nint ssl, nint readBio, nint writeBio);
    [LibraryImport(Ssl)] public static partial void SSL_set_accept_state(nint ssl);
    [LibraryImport(Ssl)] public static partial void SSL_set_connect_state(nint ssl);
    [LibraryImport(Ssl)] public static partial int SSL_use_certificate(nint ssl, nint certificate);
    [LibraryImport(Ssl)] public static partial int SSL_use_PrivateKey(nint ssl, nint key);
    [LibraryImport(Ssl)] public static partial int SSL_set_alpn_protos(nint ssl, byte* protocols, uint length);
    [LibraryImport(Ssl)] public static partial int SSL_set_session_id_context(nint ssl, byte* context, uint length);
    [LibraryImport(Ssl)] public static partial int SSL_client_hello_get0_ext(nint ssl, uint type, byte** data, nuint* length);
    [LibraryImport(Ssl)] public static partial int SSL_do_handshake(nint ssl);
    [LibraryImport(Ssl)] public static partial int SSL_read_ex(nint ssl, byte* buffer, nuint length, nuint* read);
    [LibraryImport(Ssl)] public static partial int SSL_write_ex(nint ssl, byte* buffer, nuint length, nuint* written);
    [LibraryImport(Ssl)] public static partial int SSL_shutdown(nint ssl);
    [LibraryImport(Ssl)] public static partial int SSL_key_update(nint ssl, int type);
    [LibraryImport(Ssl)] public static partial int SSL_get_error(nint ssl, int result);
    [LibraryImport(Ssl)] public static partial int SSL_version(nint ssl);
    [LibraryImport(Ssl)] public static partial nint SSL_get_current_cipher(nint ssl);
    [LibraryImport(Ssl)] public static partial ushort SSL_CIPHER_get_protocol_id(nint cipher);
    [LibraryImport(Ssl)] public static partial byte* SSL_CIPHER_get_name(nint cipher);
    [LibraryImport(Ssl)] public static partial void SSL_get0_alpn_selected(nint ssl, byte** data, uint* length);
    [LibraryImport(Ssl)] public static partial nint SSL_get0_peer_CA_list(nint ssl);

    // Sessions
    [LibraryImport(Ssl)] public static partial int SSL_session_reused(nint ssl);
    [LibraryImport(Ssl)] public static partial int SSL_set_session(nint ssl, nint session);
    [LibraryImport(Ssl)] public static partial int SSL_SESSION_up_ref(nint session);
    [LibraryImport(Ssl)] public static partial void SSL_SESSION_free(nint session);
    [LibraryImport(Ssl)] public static partial int SSL_SESSION_is_resumable(nint session);
    [LibraryImport(Ssl)] public static partial int SSL_SESSION_get_protocol_version(nint session);
    [LibraryImport(Ssl)] public static partial byte* SSL_SESSION_get_id(nint session, uint* length);

    // libcrypto
    [LibraryImport(Crypto)] public static partial ulong OpenSSL_version_num();
    [LibraryImport(Crypto)] public static partial int BIO_get_new_index();
    [LibraryImport(Crypto, StringMarshalling = StringMarshalling.Utf8)] public static partial nint BIO_meth_new(int type, string name);
    [LibraryImport(Crypto)] public static partial int BIO_meth_set_read(nint method, delegate* unmanaged[Cdecl]<nint, byte*, int, int> read);
    [LibraryImport(Crypto)] public static partial int BIO_meth_set_write(nint method, delegate* unmanaged[Cdecl]<nint, byte*, int, int> write);
    [LibraryImport(Crypto)] public static partial int BIO_meth_set_ctrl(nint method, delegate* unmanaged[Cdecl]<nint, int, nint, nint, nint> control);
    [LibraryImport(Crypto)] public static partial nint BIO_new(nint method);
    [LibraryImport(Crypto)] public static partial nint BIO_s_mem();
    [LibraryImport(Crypto)] public static partial int BIO_read(nint bio, byte* buffer, int length);
    [LibraryImport(Crypto)] public static partial void BIO_set_init(nint bio, int initialized);
    [LibraryImport(Crypto), SuppressGCTransition] public static partial void BIO_set_flags(nint bio, int flags);
    [LibraryImport(Crypto), SuppressGCTransition] public static partial void BIO_clear_flags(nint bio, int flags);
    [LibraryImport(Crypto)] public static partial nint d2i_X509(nint reuse, byte** input, nint length);
    [LibraryImport(Crypto)] public static partial int i2d_X509(nint certificate, byte** output);
    [LibraryImport(Crypto)] public static partial void X509_free(nint certificate);
    [LibraryImport(Crypto)] public static partial nint d2i_AutoPrivateKey(nint reuse, byte** input, nint length);
    [LibraryImport(Crypto)] public static partial int EVP_PKEY_up_ref(nint key);
    [LibraryImport(Crypto)] public static partial void EVP_PKEY_free(nint key);
    [LibraryImport(Crypto)] public static partial nint X509_STORE_CTX_get0_cert(nint storeContext);
    [LibraryImport(Crypto)] public static partial nint X509_STORE_CTX_get0_untrusted(nint storeContext);
    [LibraryImport(Crypto)] public static partial void X509_STORE_CTX_set_error(nint storeContext, int error);
    [LibraryImport(Crypto)] public static partial int OPENSSL_sk_num(nint stack);
    [LibraryImport(Crypto)] public static partial nint OPENSSL_sk_value(nint stack, int index);
    [LibraryImport(Crypto)] public static partial int i2d_X509_NAME(nint name, byte** output);
    [LibraryImport(Crypto)] public static partial void ERR_clear_error();
    [LibraryImport(Crypto)] public static partial nuint ERR_get_error();
    [LibraryImport(Crypto)] public static partial byte* ERR_reason_error_string(nuint error);
}
