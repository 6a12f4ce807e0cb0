using System.Security.Cryptography;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>The state that the shards of a listener share.</summary>
internal sealed class ListenerState(QuicListenerOptions options, Func<IQuicConnection, IQuicConnectionHandler> accept, TlsCredentials credentials, DatagramPool pool)
{
    private int _connections, _handshakes;

    public QuicListenerOptions Options { get; } = options;

    public Func<IQuicConnection, IQuicConnectionHandler> Accept { get; } = accept;

    /// <summary>The current credentials. <see cref="IQuicListener.UseCertificate"/> replaces them; a session keeps a reference to those that it started with.</summary>
    public volatile TlsCredentials Credentials = credentials;

    public DatagramPool Pool { get; } = pool;

    /// <summary>The key that protects Retry tokens: the shared key of the options, or a new key for each listener, because tokens are valid only for seconds.</summary>
    public byte[] RetryKey { get; } = options.RetryKey ?? RandomNumberGenerator.GetBytes(32);

    /// <summary>The time for Retry tokens, in nanoseconds: the wall clock if listeners share the key, otherwise the clock of the loop, which cannot be set.</summary>
    public ulong TokenTime(QuicLoop loop) => Options.RetryKey is null ? loop.Now : (ulong)(loop.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    public volatile bool Refusing;

    public int Connections => Volatile.Read(ref _connections);

    public int Handshakes => Volatile.Read(ref _handshakes);

    /// <summary>Counts a new connection. False if a limit is reached.</summary>
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
