using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Certificates;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Sessions;

namespace MtaTls.Tls.Handshakes;

/// <summary>The client's side of one handshake.</summary>
internal sealed class ClientRole(TlsClientContext context, TlsConnection connection) : SslRole
{
    private readonly List<nint> _sessions = [];
    private PeerCertificates? _resumablePeer;
    private bool _resumptionForbidden;

    public override bool MayWait => context.Validator.MayDownload;

    /// <summary>Returns a session to offer for resumption, after its server's certificate was validated again; null when there is none.</summary>
    public SslSessionHandle? TakeSession()
    {
        while (context.Sessions.Take() is var (session, peer))
        {
            nint pointer = session.DangerousGetHandle();
            if (peer is not null && ValidatePeer(peer).IsAccepted)
            {
                _resumablePeer = peer;
                _sessions.Add(pointer);
                return session;
            }

            context.Sessions.Remove(pointer);
            session.Dispose();
        }

        return null;
    }

    public override bool AddExtension() => context.Options.OfferDataMultiplexing;

    /// <summary>OpenSSL has already refused an answer that this client did not ask for (unsupported_extension).</summary>
    public override bool ParseExtension(int length)
    {
        Negotiated = length == 0;
        Refusal = Negotiated ? null : "The server's data_multiplexing extension has a body; it must be empty.";
        return Negotiated;
    }

    public override void ProvideCertificate(nint ssl)
    {
        TlsClientOptions options = context.Options;
        X509Certificate2? certificate = options.ClientCertificateSelector is { } selector
            ? selector(options.TargetHost, Issuers(ssl))
            : options.ClientCertificate;
        if (certificate is not null)
        {
            context.Certificates.Get(certificate).Use(ssl);
            LocalCertificate = certificate;
        }
    }

    public override void HandshakeDone(bool resumed)
    {
        if (resumed)
        {
            Peer = _resumablePeer;
        }
    }

    public override bool KeepSession(nint ssl, nint session)
    {
        if (_resumptionForbidden || LibSsl.SSL_SESSION_is_resumable(session) != 1)
        {
            return false;
        }

        if (!context.Sessions.Add(session, LibSsl.SSL_session_reused(ssl) == 1 ? _resumablePeer : Peer))
        {
            return false;
        }

        _sessions.Add(session);
        return true;
    }

    public override void DropSession(nint session) => context.Sessions.Remove(session);

    public override void ForbidResumption()
    {
        _resumptionForbidden = true;
        foreach (nint session in _sessions)
        {
            context.Sessions.Remove(session);
        }

        _sessions.Clear();
    }

    public override void WriteKeyLog(ReadOnlySpan<byte> line) => context.KeyLog?.Write(line);

    protected override CertificateValidationResult ValidatePeer(PeerCertificates peer)
        => context.Validator.Validate(peer, context.Options.RemoteCertificateValidationCallback is { } validation
            ? (certificate, chain, errors) => validation(connection, certificate, chain, errors)
            : null);

    private static unsafe List<X500DistinguishedName> Issuers(nint ssl)
    {
        List<X500DistinguishedName> issuers = [];
        nint stack = LibSsl.SSL_get0_peer_CA_list(ssl);
        for (int i = 0; i < LibSsl.OPENSSL_sk_num(stack); i++)
        {
            nint name = LibSsl.OPENSSL_sk_value(stack, i);
            int length = LibSsl.i2d_X509_NAME(name, null);
            if (length > 0)
            {
                byte[] encoded = new byte[length];
                fixed (byte* start = encoded)
                {
                    byte* at = start;
                    _ = LibSsl.i2d_X509_NAME(name, &at);
                }

                issuers.Add(new X500DistinguishedName(encoded));
            }
        }

        return issuers;
    }
}
