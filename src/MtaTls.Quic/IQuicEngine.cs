namespace MtaTls.Quic;

/// <summary>Makes listeners and client connections; owns the clients' loop thread. Disposing it ends every connection it made.</summary>
internal interface IQuicEngine : IAsyncDisposable
{
    /// <summary>Binds and starts to accept. <paramref name="accept"/> is called on a loop thread for each new connection, before its handshake has finished, and gives its handler.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">An address cannot be bound.</exception>
    IQuicListener Listen(QuicListenerOptions options, Func<IQuicConnection, IQuicConnectionHandler> accept);

    /// <summary>Starts a connection; <see cref="IQuicConnectionHandler.OnConnected"/> or <see cref="IQuicConnectionHandler.OnClosed"/> follows.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The local address or the interface cannot be bound.</exception>
    IQuicConnection Connect(QuicClientOptions options, IQuicConnectionHandler handler);
}
