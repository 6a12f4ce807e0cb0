using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>One GnuTLS session and the memory that it points to. Only its connection's loop uses it. It is freed after the ngtcp2 connection.</summary>
internal sealed unsafe class TlsSession : IDisposable
{
    private static ReadOnlySpan<byte> Priority =>
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE\0"u8;

    // The parsed priorities take 8 KiB and are the same for all sessions: shared, and never freed.
    private static readonly Lazy<nint> s_priorities = new(static () =>
    {
        nint priorities;
        fixed (byte* text = Priority)
        {
            Check(LibGnuTls.InitPriorities(out priorities, text, 0));
        }

        return priorities;
    });

    private readonly TlsCredentials _credentials;
    private readonly bool _referenced;
    private nint _session;
    private NativeConnectionReference* _reference;

    public TlsSession(LibNgtcp2 library, TlsCredentials credentials, QuicConnectionOptions options, nint connectionHandle)
    {
        _credentials = credentials;
        credentials.DangerousAddRef(ref _referenced);
        try
        {
            bool server = options is QuicListenerOptions;
            Check(LibGnuTls.Init(out _session, server ? LibGnuTls.Server | LibGnuTls.NoAutoSendTicket | LibGnuTls.NoEndOfEarlyData : LibGnuTls.Client | LibGnuTls.NoEndOfEarlyData));
            Check(LibGnuTls.SetPriorities(_session, s_priorities.Value));
            Check(server ? library.ConfigureServerSession(_session) : library.ConfigureClientSession(_session));
            Check(LibGnuTls.SetCredentials(_session, LibGnuTls.CredentialsCertificate, credentials.DangerousGetHandle()));

            // In native memory, because GnuTLS keeps a pointer to it.
            _reference = (NativeConnectionReference*)NativeMemory.AllocZeroed((nuint)sizeof(NativeConnectionReference));
            *_reference = new NativeConnectionReference { GetConnection = &Ngtcp2Callbacks.GetConnection, UserData = connectionHandle };
            LibGnuTls.SetSessionPointer(_session, _reference);

            SetApplicationProtocols(options.ApplicationProtocols);
            if (options is QuicListenerOptions { ClientCertificateMode: not QuicClientCertificateMode.None } listener)
            {
                LibGnuTls.SetCertificateRequest(_session, listener.ClientCertificateMode == QuicClientCertificateMode.Require ? LibGnuTls.CertificateRequire : LibGnuTls.CertificateRequest);
            }

            if (options is QuicClientOptions client && !IPAddress.TryParse(client.ServerName, out _))
            {
                byte[] name = Encoding.ASCII.GetBytes(new System.Globalization.IdnMapping().GetAscii(client.ServerName));
                fixed (byte* start = name)
                {
                    Check(LibGnuTls.SetServerName(_session, LibGnuTls.NameDns, start, (nuint)name.Length));
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public nint Handle => _session;

    public string? ApplicationProtocol
    {
        get
        {
            LibGnuTls.Datum protocol;
            return LibGnuTls.GetAlpn(_session, &protocol) == 0 ? Encoding.ASCII.GetString(protocol.Data, (int)protocol.Size) : null;
        }
    }

    /// <summary>The peer's certificates, its own first. Empty when the peer sent none.</summary>
    public static X509Certificate2Collection GetPeerCertificates(nint session)
    {
        var certificates = new X509Certificate2Collection();
        LibGnuTls.Datum* chain = LibGnuTls.GetPeers(session, out uint count);
        for (uint i = 0; chain is not null && i < count; i++)
        {
            certificates.Add(X509CertificateLoader.LoadCertificate(new ReadOnlySpan<byte>(chain[i].Data, (int)chain[i].Size)));
        }

        return certificates;
    }

    public void Dispose()
    {
        if (_session != 0)
        {
            LibGnuTls.Deinit(_session);
        }

        _session = 0;
        NativeMemory.Free(_reference);
        _reference = null;
        if (_referenced)
        {
            _credentials.DangerousRelease();
        }

        GC.SuppressFinalize(this);
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new CryptographicException($"GnuTLS could not create a TLS session: {LibGnuTls.ErrorText(result)}");
        }
    }

    private void SetApplicationProtocols(IReadOnlyList<string> protocols)
    {
        LibGnuTls.Datum* datums = stackalloc LibGnuTls.Datum[protocols.Count];
        int length = protocols.Sum(static p => p.Length);
        byte* octets = stackalloc byte[length];
        for (int i = 0; i < protocols.Count; i++)
        {
            int written = Encoding.ASCII.GetBytes(protocols[i], new Span<byte>(octets, length));
            datums[i] = new LibGnuTls.Datum { Data = octets, Size = (uint)written };
            octets += written;
            length -= written;
        }
        Check(LibGnuTls.SetAlpn(_session, datums, (uint)protocols.Count, LibGnuTls.AlpnMandatory | LibGnuTls.AlpnServerPrecedence));
    }
}
