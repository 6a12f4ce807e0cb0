using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Authentication;

namespace MtaTls.Tls.OpenSsl;

/// <summary>Creates the native contexts: the machine's TLS policy, narrowed to secure settings, and the options.</summary>
internal static unsafe class SslContexts
{
    public static SslContextHandle ForServer(TlsServerOptions options, bool logKeys)
    {
        var context = new SslContextHandle(server: true);
        nint ctx = context.DangerousGetHandle();
        SetCommon(ctx, options.EnabledSslProtocols, null, logKeys);

        // Sessions are kept in the server's cache, never in tickets: a ticket that was sent cannot be revoked.
        _ = LibSsl.SSL_CTX_set_options(ctx, LibSsl.OptionCipherServerPreference | LibSsl.OptionNoTicket);
        _ = LibSsl.SSL_CTX_set_num_tickets(ctx, options.SessionCacheSize > 0 ? 1u : 0u);
        _ = LibSsl.SSL_CTX_set_timeout(ctx, (nint)options.SessionLifetime.TotalSeconds);
        SetSessionCache(ctx, options.SessionCacheSize > 0 ? LibSsl.SessionCacheServer : LibSsl.SessionCacheOff);
        LibSsl.SSL_CTX_sess_set_get_cb(ctx, &SslCallbacks.FindSession);

        LibSsl.SSL_CTX_set_client_hello_cb(ctx, &SslCallbacks.ClientHello, 0);
        if (options.ApplicationProtocols.Count > 0)
        {
            LibSsl.SSL_CTX_set_alpn_select_cb(ctx, &SslCallbacks.SelectProtocol, 0);
        }

        int verify = options.ClientCertificateMode switch
        {
            TlsClientCertificateMode.NoCertificate => LibSsl.VerifyNone,
            TlsClientCertificateMode.AllowCertificate => LibSsl.VerifyPeer,
            _ => LibSsl.VerifyPeer | LibSsl.VerifyFailIfNoPeerCertificate,
        };
        LibSsl.SSL_CTX_set_verify(ctx, verify, 0);
        if (options.Mode != DataMultiplexingMode.Disabled)
        {
            AddExtension(ctx, options.ExtensionType);
        }

        return context;
    }

    public static SslContextHandle ForClient(TlsClientOptions options, bool logKeys)
    {
        var context = new SslContextHandle(server: false);
        nint ctx = context.DangerousGetHandle();
        SetCommon(ctx, options.EnabledSslProtocols, options.CipherSuitesPolicy, logKeys);
        SetSessionCache(ctx, options.SessionCacheSize > 0 ? LibSsl.SessionCacheClient : LibSsl.SessionCacheOff);
        LibSsl.SSL_CTX_set_verify(ctx, LibSsl.VerifyPeer, 0);
        LibSsl.SSL_CTX_set_cert_cb(ctx, &SslCallbacks.ProvideCertificate, 0);

        // Added even when the extension is not offered: OpenSSL then refuses an answer of the server.
        AddExtension(ctx, options.ExtensionType);

        return context;
    }

    private static void SetCommon(nint ctx, SslProtocols enabled, CipherSuitesPolicy? cipherSuites, bool logKeys)
    {
        AllowedTls allowed = MachinePolicy.Current.Choose(enabled, cipherSuites);
        if (allowed.Obstacle is { } obstacle)
        {
            throw new PlatformNotSupportedException($"MTA-TLS cannot be used: {obstacle}");
        }

        int min = (allowed.Versions & SslProtocols.Tls12) != 0 ? LibSsl.Tls12 : LibSsl.Tls13;
        int max = (allowed.Versions & SslProtocols.Tls13) != 0 ? LibSsl.Tls13 : LibSsl.Tls12;
        OpenSslErrors.ThrowIf(LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlSetMinProtocol, min, 0) != 1, "SSL_CTX_set_min_proto_version");
        OpenSslErrors.ThrowIf(LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlSetMaxProtocol, max, 0) != 1, "SSL_CTX_set_max_proto_version");
        if (allowed.Tls12CipherSuites is { } tls12)
        {
            OpenSslErrors.ThrowIf(LibSsl.SSL_CTX_set_cipher_list(ctx, tls12) != 1, "SSL_CTX_set_cipher_list");
        }

        if (allowed.Tls13CipherSuites is { } tls13)
        {
            OpenSslErrors.ThrowIf(LibSsl.SSL_CTX_set_ciphersuites(ctx, tls13) != 1, "SSL_CTX_set_ciphersuites");
        }

        OpenSslErrors.ThrowIf(!SetGroups(ctx, allowed.Groups!), "SSL_CTX_set1_groups_list");

        // The first option would hide truncation. The second would allow renegotiation with peers that do not protect it.
        _ = LibSsl.SSL_CTX_clear_options(ctx, LibSsl.OptionIgnoreUnexpectedEof | LibSsl.OptionAllowUnsafeLegacyRenegotiation);
        _ = LibSsl.SSL_CTX_set_options(ctx, LibSsl.OptionNoCompression | LibSsl.OptionNoRenegotiation);

        // ReleaseBuffers: an idle connection keeps no record buffers (34 KiB otherwise). NoAutoChain: the chain to send is set already.
        _ = LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlMode, LibSsl.ModeAcceptMovingWriteBuffer | LibSsl.ModeReleaseBuffers | LibSsl.ModeNoAutoChain, 0);

        LibSsl.SSL_CTX_set_cert_verify_callback(ctx, &SslCallbacks.VerifyPeer, 0);
        LibSsl.SSL_CTX_set_info_callback(ctx, &SslCallbacks.Info);
        if (logKeys)
        {
            LibSsl.SSL_CTX_set_keylog_callback(ctx, &SslCallbacks.KeyLog);
        }
    }

    /// <summary>Sets the groups. Returns false when this OpenSSL does not understand the list.</summary>
    public static bool SetGroups(nint ctx, string groups)
    {
        LibSsl.ERR_clear_error();
        nint list = Marshal.StringToCoTaskMemUTF8(groups);
        int result = LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlSetGroupsList, 0, list);
        Marshal.FreeCoTaskMem(list);
        return result == 1;
    }

    private static void SetSessionCache(nint ctx, nint mode)
    {
        _ = LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlSetSessionCacheMode, mode | LibSsl.SessionCacheNoInternal, 0);
        LibSsl.SSL_CTX_sess_set_new_cb(ctx, &SslCallbacks.NewSession);
        LibSsl.SSL_CTX_sess_set_remove_cb(ctx, &SslCallbacks.RemoveSession);
    }

    private static void AddExtension(nint ctx, ushort type)
    {
        const uint Contexts = LibSsl.ExtensionInClientHello | LibSsl.ExtensionInTls12ServerHello | LibSsl.ExtensionInEncryptedExtensions;
        if (LibSsl.SSL_CTX_add_custom_ext(ctx, type, Contexts, &SslCallbacks.AddExtension, 0, 0, &SslCallbacks.ParseExtension, 0) != 1)
        {
            throw new ArgumentException($"OpenSSL {NativeLibraries.Version} handles the extension type {type} itself; choose another ExtensionType.");
        }
    }
}
