using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Client;

/// <summary>A snapshot of one session of a client. The names are those of <see cref="SslStream"/>.</summary>
public sealed class MtaTlsClientSessionInfo
{
    internal MtaTlsClientSessionInfo()
    {
    }

    /// <summary>The TLS version.</summary>
    public SslProtocols SslProtocol { get; internal init; }

    /// <summary>The cipher suite.</summary>
    public TlsCipherSuite NegotiatedCipherSuite { get; internal init; }

    /// <summary>The application protocol that ALPN selected; empty if there is none.</summary>
    public SslApplicationProtocol NegotiatedApplicationProtocol { get; internal init; }

    /// <summary>A copy of the endpoint's certificate.</summary>
    /// <value>Null if the cipher suite needs none.</value>
    public X509Certificate2? RemoteCertificate { get; internal init; }

    /// <summary>The channels that this client has open or is opening on the session.</summary>
    public int Channels { get; internal init; }

    /// <summary>Whether new channels use another session, because the server has sent a go-away or the session has reached <see cref="MtaTlsClientOptions.SessionLifetime"/>.</summary>
    public bool IsLeaving { get; internal init; }
}
