using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Certificates;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Sessions;

namespace MtaTls.Tls.Handshakes;

/// <summary>The server's side of one handshake.</summary>
internal sealed class ServerRole : SslRole
{
    private readonly TlsServerContext _context;
    private readonly ClientHelloInfo _hello;
    private readonly List<SessionId> _sessions = [];
    private PeerCertificates? _resumedPeer;
    private bool _resumptionForbidden;

    public ServerRole(TlsServerContext context, ClientHelloInfo hello, X509Certificate2 certificate)
    {
        _context = context;
        _hello = hello;
        LocalCertificate = certificate;
    }

    public override bool MayWait => Options.ClientCertificateMode != TlsClientCertificateMode.NoCertificate && _context.Validator.MayDownload;

    private TlsServerOptions Options => _context.Options;

    /// <summary>
    /// OpenSSL also calls this for a second ClientHello (RFC 8446, section 4.1.4). It must offer the same as the first one, which
    /// decided how this connection is served.
    /// </summary>
    public override unsafe TlsAlert? InspectClientHello(nint ssl)
    {
        if (Options.Mode == DataMultiplexingMode.Disabled)
        {
            return null;
        }

        byte* body;
        nuint length;
        bool offered = LibSsl.SSL_client_hello_get0_ext(ssl, Options.ExtensionType, &body, &length) == 1;
        if (offered && length != 0)
        {
            Refusal = "The client's data_multiplexing extension has a body; it must be empty.";
            return TlsAlert.DecodeError;
        }

        if (offered != _hello.OffersExtension)
        {
            Refusal = "The client's second ClientHello does not offer the data_multiplexing extension as its first one did.";
            return TlsAlert.IllegalParameter;
        }

        return null;
    }

    public override bool ParseExtension(int length) => length == 0;

    public override bool AddExtension() => Negotiated = true;

    /// <summary>Uses the server's order of preference, as SslStream on Linux does.</summary>
    public override bool TrySelectProtocol(ReadOnlySpan<byte> offered, out Range name)
    {
        foreach (SslApplicationProtocol ours in Options.ApplicationProtocols)
        {
            for (int at = 0; at < offered.Length; at += 1 + offered[at])
            {
                name = new Range(at + 1, at + 1 + offered[at]);
                if (offered[name].SequenceEqual(ours.Protocol.Span))
                {
                    return true;
                }
            }
        }

        name = default;
        Refusal = "The client supports none of the application protocols (ALPN) of this endpoint.";
        return false;
    }

    public override void HandshakeDone(bool resumed)
    {
        if (resumed)
        {
            Peer = _resumedPeer;
        }
    }

    public override bool KeepSession(nint ssl, nint session)
    {
        if (_resumptionForbidden)
        {
            return false;
        }

        var id = SessionId.Of(session);
        _sessions.Add(id);
        return _context.Sessions.Add(id, session, LibSsl.SSL_session_reused(ssl) == 1 ? _resumedPeer : Peer);
    }

    /// <summary>Validates the client's certificate each time that its session is resumed, because it can have expired or been revoked since.</summary>
    public override nint FindSession(ReadOnlySpan<byte> id)
    {
        if (id.Length > SessionId.MaxLength)
        {
            return 0;
        }

        var key = SessionId.From(id);
        if (!_context.Sessions.TryGetPeer(key, out PeerCertificates? peer))
        {
            return 0;
        }

        if (peer is not null && !ValidatePeer(peer).IsAccepted)
        {
            _context.Sessions.Remove(key);
            return 0;
        }

        _sessions.Add(key);
        _resumedPeer = peer;
        return _context.Sessions.Take(key);
    }

    public override void DropSession(nint session) => _context.Sessions.Remove(SessionId.Of(session));

    public override void ForbidResumption()
    {
        _resumptionForbidden = true;
        foreach (SessionId id in _sessions)
        {
            _context.Sessions.Remove(id);
        }

        _sessions.Clear();
    }

    public override void WriteKeyLog(ReadOnlySpan<byte> line) => _context.KeyLog?.Write(line);

    protected override CertificateValidationResult ValidatePeer(PeerCertificates peer)
        => _context.Validator.Validate(peer, Options.ClientCertificateValidation is { } validation ? (certificate, chain, errors) => validation(certificate, chain, errors) : null);
}
