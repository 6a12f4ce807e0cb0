using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>A new TLS connection to the endpoint. It becomes a session if the extension was negotiated, else one fallback channel.</summary>
/// <param name="transport">The byte stream.</param>
/// <param name="close">Closes the connection below TLS, after the transport was disposed.</param>
internal sealed class DialedConnection(IMtaTlsTransport transport, Func<ValueTask> close) : IAsyncDisposable
{
    public IMtaTlsTransport Transport => transport;

    /// <summary>Whether the data_multiplexing extension was negotiated.</summary>
    public required bool IsMultiplexed { get; init; }

    public required ChannelAddress LocalAddress { get; init; }

    /// <summary>The endpoint that was reached, of several equivalent ones.</summary>
    public DnsEndPoint? Endpoint { get; init; }

    /// <summary>Called when the endpoint has sent a go-away, with the time until it stops.</summary>
    public Action<TimeSpan>? WentAway { get; init; }

    /// <summary>The application protocol that ALPN selected; empty if there is none.</summary>
    public required ReadOnlyMemory<byte> ApplicationProtocol { get; init; }

    /// <summary>The TLS version of the connection.</summary>
    public SslProtocols SslProtocol { get; init; }

    /// <summary>The cipher suite of the connection.</summary>
    public TlsCipherSuite CipherSuite { get; init; }

    /// <summary>The endpoint's certificate.</summary>
    public X509Certificate2? RemoteCertificate { get; init; }

    /// <summary>Closes the connection below TLS. The caller must have disposed the transport.</summary>
    public ValueTask CloseAsync() => close();

    public async ValueTask DisposeAsync()
    {
        await transport.DisposeAsync().ConfigureAwait(false);
        await close().ConfigureAwait(false);
    }
}
