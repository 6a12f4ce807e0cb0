using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic;

/// <summary>What both ends of a connection can set. Values outside of a range throw <see cref="ArgumentOutOfRangeException"/>.</summary>
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

    /// <summary>Application protocols (ALPN), the preferred first; a connection without one in common fails. Required.</summary>
    /// <exception cref="ArgumentException">There is none, or one that is not of 1 to 255 ASCII characters.</exception>
    public IReadOnlyList<string> ApplicationProtocols
    {
        get => _applicationProtocols;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Count is 0 or > 16 || !value.All(static p => p is { Length: > 0 and <= 255 } && System.Text.Ascii.IsValid(p)))
            {
                throw new ArgumentException("Application protocols are 1 to 16 names of 1 to 255 ASCII characters.", nameof(value));
            }

            _applicationProtocols = value;
        }
    }

    /// <summary>The certificate of this end, with an exportable private key. A listener needs one.</summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>Certificates that are sent after <see cref="Certificate"/>, the issuer's first.</summary>
    public X509Certificate2Collection? IntermediateCertificates { get; set; }

    /// <summary>The authorities that the peer's certificate must come from; null means the system's at the client, and is an error at a server that asks for certificates.</summary>
    public X509Certificate2Collection? TrustedAuthorities { get; set; }

    /// <summary>Revocation check of the peer's certificate. It runs on the loop thread, so a check that asks the network stops every connection of that thread. Default <see cref="X509RevocationMode.NoCheck"/>.</summary>
    public X509RevocationMode RevocationMode { get; set; } = X509RevocationMode.NoCheck;

    /// <summary>Validates the peer's certificate instead of the default, which demands <see cref="SslPolicyErrors.None"/>. Runs on the loop thread and must not block.</summary>
    public Func<X509Certificate2?, X509Chain?, SslPolicyErrors, bool>? CertificateValidation { get; set; }

    /// <summary>A connection on which nothing is received for this long is dead; the lesser of both ends' values counts. Default 30 s, 100 ms to 1 h.</summary>
    public TimeSpan IdleTimeout { get => _idleTimeout; set => _idleTimeout = Range(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)); }

    /// <summary>A PING after so long without a packet keeps NAT bindings and the connection alive; zero sends none. Default zero, up to 1 h.</summary>
    public TimeSpan KeepAliveInterval { get => _keepAliveInterval; set => _keepAliveInterval = Range(value, TimeSpan.Zero, TimeSpan.FromHours(1)); }

    /// <summary>A handshake that has not finished by then fails. Default 10 s, 100 ms to 10 min.</summary>
    public TimeSpan HandshakeTimeout { get => _handshakeTimeout; set => _handshakeTimeout = Range(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)); }

    /// <summary>The round-trip time that is assumed before one was measured (RFC 9002, section 6.2.2). Default 333 ms, 1 ms to 10 s.</summary>
    public TimeSpan InitialRtt { get => _initialRtt; set => _initialRtt = Range(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10)); }

    /// <summary>The largest UDP payload that is sent; discovery looks for the largest that the path takes up to this. Default 1452 (1500 less IPv6 and UDP), 1200 to 65000.</summary>
    public int MaxUdpPayloadSize { get => _maxUdpPayloadSize; set => _maxUdpPayloadSize = Range(value, 1200, 65000); }

    /// <summary>Starts at 1200 octets and discovers what the path takes (RFC 9000, section 14.3). False: <see cref="MaxUdpPayloadSize"/> is taken to fit from the start. Default true.</summary>
    public bool PathMtuDiscovery { get; set; } = true;

    /// <summary>
    /// How a datagram begins that means nothing to the peer: such datagrams, filled with zeros, look for the size of a path that has become narrower (RFC 8899). Default empty.
    /// </summary>
    public ReadOnlyMemory<byte> ProbeDatagramHeader { get; set; }

    /// <summary>Where each connection writes what happens to it as a qlog file; null: nowhere. Default null. The loop waits for the disk: for finding faults.</summary>
    public string? QlogDirectory { get; set; }

    /// <summary>The congestion controller. Default <see cref="QuicCongestionControl.Cubic"/>.</summary>
    public QuicCongestionControl CongestionControl { get; set; } = QuicCongestionControl.Cubic;

    /// <summary>The largest DATAGRAM frame that this end takes; 0 takes none. Default 65535, 0 to 65535.</summary>
    public int MaxDatagramSize { get => _maxDatagramSize; set => _maxDatagramSize = Range(value, 0, 65535); }

    /// <summary>Datagrams that wait to be sent on one connection. Default 256, 1 to 65536. More hides congestion from the sender's own sender.</summary>
    public int DatagramQueueLength { get => _datagramQueueLength; set => _datagramQueueLength = Range(value, 1, 65536); }

    /// <summary>Unidirectional streams that the peer may have open at a time. Default 8, 1 to 1024.</summary>
    public int MaxConcurrentStreams { get => _maxConcurrentStreams; set => _maxConcurrentStreams = Range(value, 1, 1024); }

    /// <summary>Unidirectional streams that the peer may open in a connection's life; then it gets no more. Default 4096, 1 to 1,000,000. Bounds what a peer that opens stream after stream can cost.</summary>
    public int MaxStreams { get => _maxStreams; set => _maxStreams = Range(value, 1, 1_000_000); }

    /// <summary>Octets that the peer may send on one stream in all. Default 16 KiB, 512 to 16 MiB.</summary>
    public int MaxStreamData { get => _maxStreamData; set => _maxStreamData = Range(value, 512, 16 * 1024 * 1024); }

    /// <summary>Octets of streams that wait here until the peer has acknowledged them. Default 64 KiB, 512 to 16 MiB.</summary>
    public int MaxStreamSendBuffer { get => _maxStreamSendBuffer; set => _maxStreamSendBuffer = Range(value, 512, 16 * 1024 * 1024); }

    /// <summary>The socket's receive and send buffer that is asked for; the system may give less (net.core.rmem_max). Default 4 MiB, 64 KiB to 256 MiB.</summary>
    public int SocketBufferSize { get => _socketBufferSize; set => _socketBufferSize = Range(value, 64 * 1024, 256 * 1024 * 1024); }

    private protected static T Range<T>(T value, T least, T most) where T : IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most);
        return value;
    }
}
