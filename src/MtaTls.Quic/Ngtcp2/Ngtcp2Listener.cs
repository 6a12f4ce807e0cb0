using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>A listener with its shards and their common state.</summary>
internal sealed class Ngtcp2Listener : IQuicListener
{
    /// <summary>The most waiting datagrams of all connections: 64 MiB at 2 KiB each.</summary>
    private const int MaxWaitingDatagrams = 32 * 1024;

    private readonly ListenerState _state;
    private readonly ListenerShard[] _shards;
    private int _disposed;

    public Ngtcp2Listener(LibNgtcp2 library, ILogger logger, TimeProvider time, QuicListenerOptions options, Func<IQuicConnection, IQuicConnectionHandler> accept)
    {
        if (options.EndPoints.Count == 0)
        {
            throw new ArgumentException("EndPoints is empty; a listener needs at least one end point.", nameof(options));
        }

        if (options.Certificate is null)
        {
            throw new ArgumentException("Certificate is null; a listener needs a certificate with its private key.", nameof(options));
        }

        if (options.ClientCertificateMode != QuicClientCertificateMode.None && options.TrustedAuthorities is null && options.CertificateValidation is null)
        {
            throw new ArgumentException("TrustedAuthorities is null; a listener that asks for client certificates needs their authorities, or CertificateValidation.", nameof(options));
        }

        int count = options.Shards > 0 ? options.Shards : Math.Clamp(Environment.ProcessorCount / 2, 1, 8);
        byte[] resetKey = options.StatelessResetKey ?? DeriveResetKey(options.Certificate);
        _state = new ListenerState(options, accept, TlsCredentials.Create(options.Certificate, options.IntermediateCertificates), Ngtcp2Engine.CreatePool(options.MaxUdpPayloadSize, MaxWaitingDatagrams));
        _shards = new ListenerShard[count];
        var sockets = new List<UdpSocket>();
        try
        {
            var endPoints = new List<IPEndPoint>();
            for (int shard = 0; shard < count; shard++)
            {
                _shards[shard] = new ListenerShard(_state, new QuicLoop(library, logger, time, $"QUIC listener {shard}", options.MaxUdpPayloadSize, resetKey, shard, count));
                for (int i = 0; i < options.EndPoints.Count; i++)
                {
                    UdpSocket socket = Bind(shard == 0 ? options.EndPoints[i] : endPoints[i], options, count > 1, first: shard == 0);
                    sockets.Add(socket);
                    if (shard == 0)
                    {
                        endPoints.Add(socket.LocalEndPoint);
                    }

                    _shards[shard].Loop.AddSocket(socket);
                }
            }
            LocalEndPoints = endPoints;
        }
        catch
        {
            foreach (UdpSocket socket in sockets)
            {
                socket.Dispose();
            }

            foreach (ListenerShard shard in _shards)
            {
                shard?.Loop.DisposeUnstarted();
            }

            _state.Credentials.Dispose();
            throw;
        }
        foreach (ListenerShard shard in _shards)
        {
            shard.SetShards(_shards);
        }

        foreach (ListenerShard shard in _shards)
        {
            shard.Loop.Start();
        }

        Log.Listening(logger, string.Join(", ", LocalEndPoints), count, QuicEngine.Version);
    }

    public IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    public QuicListenerStatistics Statistics
    {
        get
        {
            var sum = new QuicListenerStatistics { Connections = _state.Connections, HandshakesInFlight = _state.Handshakes };
            foreach (ListenerShard shard in _shards)
            {
                shard.AddTo(ref sum);
            }

            return sum;
        }
    }

    public void StopAccepting() => _state.Refusing = true;

    public void CloseConnections(ulong applicationErrorCode, string? reason = null)
    {
        foreach (ListenerShard shard in _shards)
        {
            shard.Loop.Post(() =>
            {
                foreach (Ngtcp2Connection connection in shard.Loop.Connections())
                {
                    connection.Close(applicationErrorCode, reason);
                }
            });
        }
    }

    public void UseCertificate(X509Certificate2 certificate, X509Certificate2Collection? intermediates = null)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        TlsCredentials former = _state.Credentials;
        _state.Credentials = TlsCredentials.Create(certificate, intermediates);
        former.Dispose(); // Freed with the last session that uses it.
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        StopAccepting();
        foreach (ListenerShard shard in _shards)
        {
            shard.Loop.Stop();
        }

        foreach (ListenerShard shard in _shards)
        {
            await shard.Loop.Ended.ConfigureAwait(false);
        }

        _state.Credentials.Dispose();
    }

    private static UdpSocket Bind(IPEndPoint endPoint, QuicListenerOptions options, bool share, bool first)
    {
        // With SO_REUSEPORT a second process could share the port by mistake, so first check that the port is free.
        if (share && first && endPoint.Port != 0)
        {
            new UdpSocket(endPoint, null, reusePort: false, options.SocketBufferSize).Dispose();
        }

        return new UdpSocket(endPoint, null, share, options.SocketBufferSize);
    }

    /// <summary>Derives the key of the stateless reset tokens. It is the same after a restart, and secret without the private key.</summary>
    private static byte[] DeriveResetKey(X509Certificate2 certificate)
    {
        char[] pem = TlsCredentials.ExportPrivateKey(certificate);
        byte[] octets = Encoding.ASCII.GetBytes(pem);
        try
        {
            return HKDF.DeriveKey(HashAlgorithmName.SHA256, octets, 32, info: "quic stateless reset"u8.ToArray());
        }
        finally
        {
            Array.Clear(pem);
            CryptographicOperations.ZeroMemory(octets);
        }
    }
}
