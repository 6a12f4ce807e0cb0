using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>A secure connection to the endpoint before it is used: for a session when the extension was negotiated, else for one fallback channel.</summary>
/// <param name="transport">The byte stream.</param>
/// <param name="close">Closes what is below it, once the transport has been disposed.</param>
internal sealed class DialedConnection(IMtaTlsTransport transport, Func<ValueTask> close) : IAsyncDisposable
{
    public IMtaTlsTransport Transport => transport;

    /// <summary>Whether the data_multiplexing extension was negotiated.</summary>
    public required bool IsMultiplexed { get; init; }

    public required ChannelAddress LocalAddress { get; init; }

    /// <summary>The endpoint that was reached, one of several.</summary>
    public DnsEndPoint? Endpoint { get; init; }

    /// <summary>Is told that the endpoint stops, and when.</summary>
    public Action<TimeSpan>? WentAway { get; init; }

    /// <summary>What ALPN selected; empty when nothing.</summary>
    public required ReadOnlyMemory<byte> ApplicationProtocol { get; init; }

    /// <summary>The TLS version of the connection.</summary>
    public SslProtocols SslProtocol { get; init; }

    /// <summary>The cipher suite of the connection.</summary>
    public TlsCipherSuite CipherSuite { get; init; }

    /// <summary>The endpoint's certificate.</summary>
    public X509Certificate2? RemoteCertificate { get; init; }

    /// <summary>Closes the connection below; the transport's owner has disposed that.</summary>
    public ValueTask CloseAsync() => close();

    public async ValueTask DisposeAsync()
    {
        await transport.DisposeAsync().ConfigureAwait(false);
        await close().ConfigureAwait(false);
    }
}
