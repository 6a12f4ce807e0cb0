using System.Security.Cryptography;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>What the shards of a listener share.</summary>
internal sealed class ListenerState(QuicListenerOptions options, Func<IQuicConnection, IQuicConnectionHandler> accept, TlsCredentials credentials, DatagramPool pool)
{
    private int _connections, _handshakes;

    public QuicListenerOptions Options { get; } = options;

    public Func<IQuicConnection, IQuicConnectionHandler> Accept { get; } = accept;

    /// <summary>Replaced by UseCertificate; a session that began with the former keeps a reference to it.</summary>
    public volatile TlsCredentials Credentials = credentials;

    public DatagramPool Pool { get; } = pool;

    /// <summary>Seals the Retry tokens; they are of use for seconds only, so it is new for each listener.</summary>
    public byte[] RetryKey { get; } = RandomNumberGenerator.GetBytes(32);

    public volatile bool Refusing;

    public int Connections => Volatile.Read(ref _connections);

    public int Handshakes => Volatile.Read(ref _handshakes);

    /// <summary>Counts a new connection; false when there are too many.</summary>
    public bool TryBegin()
    {
        if (Interlocked.Increment(ref _connections) > Options.MaxConnections)
        {
            Interlocked.Decrement(ref _connections);
            return false;
        }
        if (Interlocked.Increment(ref _handshakes) > Options.MaxHandshakes)
        {
            Interlocked.Decrement(ref _handshakes);
            Interlocked.Decrement(ref _connections);
            return false;
        }
        return true;
    }

    public void HandshakeEnded() => Interlocked.Decrement(ref _handshakes);

    public void ConnectionEnded() => Interlocked.Decrement(ref _connections);
}
