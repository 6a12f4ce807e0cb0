namespace MtaTls.Quic;

/// <summary>Creates listeners and client connections, and owns the thread of the client connections. Disposing it ends all of them.</summary>
internal interface IQuicEngine : IAsyncDisposable
{
    /// <summary>Binds the end points and starts to accept. <paramref name="accept"/> returns the handler of a new connection; it is called on a loop's thread, before the handshake has finished.</summary>
    /// <exception cref="ArgumentException">The options have no application protocol, end point or certificate, or no authorities although clients are asked for a certificate.</exception>
    /// <exception cref="System.Security.Cryptography.CryptographicException">The certificate's private key is missing or cannot be exported.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">An address cannot be bound.</exception>
    IQuicListener Listen(QuicListenerOptions options, Func<IQuicConnection, IQuicConnectionHandler> accept);

    /// <summary>Starts a connection. <see cref="IQuicConnectionHandler.OnConnected"/> or <see cref="IQuicConnectionHandler.OnClosed"/> follows.</summary>
    /// <exception cref="ArgumentException">The options have no application protocol.</exception>
    /// <exception cref="System.Security.Cryptography.CryptographicException">The certificate's private key is missing or cannot be exported.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The local address or the interface cannot be bound.</exception>
    IQuicConnection Connect(QuicClientOptions options, IQuicConnectionHandler handler);
}
