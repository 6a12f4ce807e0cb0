using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic;

/// <summary>Options of both ends of a connection. A value outside its range throws <see cref="ArgumentOutOfRangeException"/>.</summary>
internal abstract class QuicConnectionOptions
{
    private IReadOnlyList<string> _applicationProtocols = [];
    private TimeSpan _idleTimeout = TimeSpan.FromSeconds(30);
    private TimeSpan _keepAliveInterval = TimeSpan.Zero;
    private TimeSpan _handshakeTimeout = TimeSpan.FromSeconds(10);
    private TimeSpan _initialRtt = TimeSpan.FromMilliseconds(333);
    private int _maxUdpPayloadSize = 1452;
    private int _maxDatagramSize = 65535;
    private int _datagramQueueLength = 256;
    private int _maxConcurrentStreams = 8;
    private int _maxStreams = 4096;
    private int _maxStreamData = 16 * 1024;
    private int _maxStreamSendBuffer = 64 * 1024;
    private int _socketBufferSize = 4 * 1024 * 1024;

    /// <summary>Application protocols (ALPN), the preferred one first: 1 to 16 names. Required. A handshake without a common protocol fails.</summary>
    /// <exception cref="ArgumentException">The list has no name or more than 16, or a name does not have 1 to 255 ASCII characters.</exception>
    public IReadOnlyList<string> ApplicationProtocols
    {
        get => _applicationProtocols;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Count is 0 or > 16 || !value.All(static p => p is { Length: > 0 and <= 255 } && System.Text.Ascii.IsValid(p)))
            {
                throw new ArgumentException("ApplicationProtocols needs 1 to 16 names of 1 to 255 ASCII characters each.", nameof(value));
            }

            _applicationProtocols = value;
        }
    }

    /// <summary>The certificate of this end, with an exportable RSA or ECDSA private key. Required at a listener. Default null.</summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>Intermediate certificates to send after <see cref="Certificate"/>, its issuer first. Default null: none.</summary>
    public X509Certificate2Collection? IntermediateCertificates { get; set; }

    /// <summary>The authorities that may issue the peer's certificate. Default null: at a client, the system's authorities. A listener that asks for client certificates needs this or <see cref="CertificateValidation"/>.</summary>
    public X509Certificate2Collection? TrustedAuthorities { get; set; }

    /// <summary>How the peer's certificate is checked for revocation. Default <see cref="X509RevocationMode.NoCheck"/>. An online check blocks the loop's thread, and with it all its connections.</summary>
    public X509RevocationMode RevocationMode { get; set; } = X509RevocationMode.NoCheck;

    /// <summary>Decides about the peer's certificate, and must not block: it runs on the loop's thread. Default null: a certificate is accepted if there is no policy error (<see cref="SslPolicyErrors.None"/>).</summary>
    public Func<X509Certificate2?, X509Chain?, SslPolicyErrors, bool>? CertificateValidation { get; set; }

    /// <summary>A connection that receives no packet for this long ends. The smaller value of both ends counts. Default 30 s, range 100 ms to 1 h.</summary>
    public TimeSpan IdleTimeout { get => _idleTimeout; set => _idleTimeout = Range(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)); }

    /// <summary>A PING is sent after this time without a packet. It keeps the connection and NAT bindings alive. Default zero: no PING. Range zero to 1 h.</summary>
    public TimeSpan KeepAliveInterval { get => _keepAliveInterval; set => _keepAliveInterval = Range(value, TimeSpan.Zero, TimeSpan.FromHours(1)); }

    /// <summary>A handshake that takes longer fails. Default 10 s, range 100 ms to 10 min.</summary>
    public TimeSpan HandshakeTimeout { get => _handshakeTimeout; set => _handshakeTimeout = Range(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)); }

    /// <summary>The assumed round-trip time before the first measurement (RFC 9002, section 6.2.2). Default 333 ms, range 1 ms to 10 s.</summary>
    public TimeSpan InitialRtt { get => _initialRtt; set => _initialRtt = Range(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10)); }

    /// <summary>The largest UDP payload to send, in bytes. Default 1452 (1500 minus the IPv6 and UDP headers), range 1200 to 65000. Path MTU discovery tries sizes up to this value, but none above 1444.</summary>
    public int MaxUdpPayloadSize { get => _maxUdpPayloadSize; set => _maxUdpPayloadSize = Range(value, 1200, 65000); }

    /// <summary>Whether packets start at 1200 bytes and grow to the size that the path carries (RFC 9000, section 14.3). Default true. When false, packets have up to <see cref="MaxUdpPayloadSize"/> from the start.</summary>
    public bool PathMtuDiscovery { get; set; } = true;

    /// <summary>
    /// The first bytes of a datagram that the peer ignores. Such datagrams, filled with zeros, probe the MTU of a path whose MTU has become smaller (RFC 8899). Default empty.
    /// </summary>
    public ReadOnlyMemory<byte> ProbeDatagramHeader { get; set; }

    /// <summary>The directory for one qlog file per connection. Default null: no files. The loop's thread waits for each write, so use it only to find faults.</summary>
    public string? QlogDirectory { get; set; }

    /// <summary>The congestion control algorithm. Default <see cref="QuicCongestionControl.Cubic"/>.</summary>
    public QuicCongestionControl CongestionControl { get; set; } = QuicCongestionControl.Cubic;

    /// <summary>The largest DATAGRAM frame that this end accepts, in bytes. Default 65535, range 0 (none) to 65535.</summary>
    public int MaxDatagramSize { get => _maxDatagramSize; set => _maxDatagramSize = Range(value, 0, 65535); }

    /// <summary>The most datagrams that may wait in one connection. Default 256, range 1 to 65536. A longer queue hides congestion from the caller for longer.</summary>
    public int DatagramQueueLength { get => _datagramQueueLength; set => _datagramQueueLength = Range(value, 1, 65536); }

    /// <summary>The most unidirectional streams that the peer may have open at once. Default 8, range 1 to 1024.</summary>
    public int MaxConcurrentStreams { get => _maxConcurrentStreams; set => _maxConcurrentStreams = Range(value, 1, 1024); }

    /// <summary>The most unidirectional streams that the peer may open during a connection. Default 4096, range 1 to 1,000,000. It limits the cost of a peer that opens stream after stream.</summary>
    public int MaxStreams { get => _maxStreams; set => _maxStreams = Range(value, 1, 1_000_000); }

    /// <summary>The most bytes that the peer may send on one stream. Default 16 KiB, range 512 bytes to 16 MiB.</summary>
    public int MaxStreamData { get => _maxStreamData; set => _maxStreamData = Range(value, 512, 16 * 1024 * 1024); }

    /// <summary>The most bytes of all streams that may wait for an acknowledgement. Default 64 KiB, range 512 bytes to 16 MiB.</summary>
    public int MaxStreamSendBuffer { get => _maxStreamSendBuffer; set => _maxStreamSendBuffer = Range(value, 512, 16 * 1024 * 1024); }

    /// <summary>The requested size of the socket's receive buffer and of its send buffer, in bytes. Default 4 MiB, range 64 KiB to 256 MiB. The system may allow less (net.core.rmem_max, net.core.wmem_max).</summary>
    public int SocketBufferSize { get => _socketBufferSize; set => _socketBufferSize = Range(value, 64 * 1024, 256 * 1024 * 1024); }

    private protected static T Range<T>(T value, T least, T most) where T : IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most);
        return value;
    }
}
