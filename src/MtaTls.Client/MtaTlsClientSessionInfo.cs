using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Client;

/// <summary>One session of a client as it was when it was asked for. The names are those of <see cref="SslStream"/>.</summary>
public sealed class MtaTlsClientSessionInfo
{
    internal MtaTlsClientSessionInfo()
    {
    }

    /// <summary>The TLS version.</summary>
    public SslProtocols SslProtocol { get; internal init; }

    /// <summary>The cipher suite.</summary>
    public TlsCipherSuite NegotiatedCipherSuite { get; internal init; }

    /// <summary>The application protocol that ALPN selected; empty when there is none.</summary>
    public SslApplicationProtocol NegotiatedApplicationProtocol { get; internal init; }

    /// <summary>A copy of the endpoint's certificate.</summary>
    /// <value>Null where the cipher suite needs none.</value>
    public X509Certificate2? RemoteCertificate { get; internal init; }

    /// <summary>Channels of this client that are open or being opened.</summary>
    public int Channels { get; internal init; }

    /// <summary>Whether the session takes no more channels, because the server stops or the session has reached its age.</summary>
    public bool IsLeaving { get; internal init; }
}
