using System.Net;

namespace MtaTls.Quic;

/// <summary>Options of a listener, in addition to <see cref="QuicConnectionOptions"/>.</summary>
internal sealed class QuicListenerOptions : QuicConnectionOptions
{
    private int _shards;
    private int _maxConnections = 20_000;
    private int _maxHandshakes = 1_000;
    private int _retryThreshold = 100;
    private int _maxStatelessResponsesPerSecond = 1_000;
    private int _retryRate = 50;
    private int _maxRetriesPerSecond = 10_000;
    private int _maxInitialsPerPort = 20;
    private int _maxInitialsPerAddress = 2_000;
    private byte[]? _statelessResetKey, _retryKey;

    /// <summary>UDP addresses and ports; at least one. Port 0 means a free port. An IPv6 end point accepts IPv6 only.</summary>
    public IList<IPEndPoint> EndPoints { get; } = [];

    /// <summary>Whether clients are asked for a certificate. Default <see cref="QuicClientCertificateMode.None"/>.</summary>
    public QuicClientCertificateMode ClientCertificateMode { get; set; }

    /// <summary>Whether a Retry packet validates a client's address before the listener keeps any state for it (RFC 9000, section 8.1). Default <see cref="QuicAddressValidation.UnderLoad"/>.</summary>
    public QuicAddressValidation AddressValidation { get; set; } = QuicAddressValidation.UnderLoad;

    /// <summary>The number of current handshakes from which <see cref="QuicAddressValidation.UnderLoad"/> validates addresses. Default 100, range 0 to 1,000,000.</summary>
    public int RetryThreshold { get => _retryThreshold; set => _retryThreshold = Range(value, 0, 1_000_000); }

    /// <summary>New connections per second and shard above which <see cref="QuicAddressValidation.UnderLoad"/> validates addresses. Default 50, range 0 to 1,000,000.</summary>
    public int RetryRate { get => _retryRate; set => _retryRate = Range(value, 0, 1_000_000); }

    /// <summary>Retry packets per second and shard. Above this rate, first packets are dropped without an answer. Default 10,000, range 1 to 10,000,000.</summary>
    public int MaxRetriesPerSecond { get => _maxRetriesPerSecond; set => _maxRetriesPerSecond = Range(value, 1, 10_000_000); }

    /// <summary>First packets per second and shard from one address and port. Others are dropped unread. Default 20, range 1 to 1,000,000.</summary>
    public int MaxInitialsPerPort { get => _maxInitialsPerPort; set => _maxInitialsPerPort = Range(value, 1, 1_000_000); }

    /// <summary>First packets per second and shard from one IPv4 address or IPv6 /64 prefix. Others are dropped unread. Default 2,000, range 1 to 10,000,000.</summary>
    public int MaxInitialsPerAddress { get => _maxInitialsPerAddress; set => _maxInitialsPerAddress = Range(value, 1, 10_000_000); }

    /// <summary>The most handshakes at once. Further clients are refused. Default 1,000, range 1 to 1,000,000.</summary>
    public int MaxHandshakes { get => _maxHandshakes; set => _maxHandshakes = Range(value, 1, 1_000_000); }

    /// <summary>The most connections at once, including handshakes. Further clients are refused. Default 20,000, range 1 to 10,000,000.</summary>
    public int MaxConnections { get => _maxConnections; set => _maxConnections = Range(value, 1, 10_000_000); }

    /// <summary>Version Negotiation packets, stateless resets and refusals per second and shard, counted separately. Above this rate, packets get no answer. Default 1,000, range 1 to 10,000,000.</summary>
    public int MaxStatelessResponsesPerSecond { get => _maxStatelessResponsesPerSecond; set => _maxStatelessResponsesPerSecond = Range(value, 1, 10_000_000); }

    /// <summary>The number of threads, each with its own sockets (SO_REUSEPORT). Default 0: one for every two processors, at least 1 and at most 8. Range 0 to 64.</summary>
    public int Shards { get => _shards; set => _shards = Range(value, 0, 64); }

    /// <summary>
    /// This listener's own addresses, at most one of each family, which clients use in place of the one that they connected to (RFC 9000, section 9.6): for listeners that share an address behind a
    /// balancer. Default empty: none is announced.
    /// </summary>
    public IList<IPEndPoint> PreferredAddresses { get; } = [];

    /// <summary>
    /// Whether clients are asked to keep their address (RFC 9000, section 5.2.3): behind a balancer that goes by addresses, packets from another one would reach another listener. Default false.
    /// </summary>
    public bool DisableActiveMigration { get; set; }

    /// <summary>
    /// The key of the stateless reset tokens, at least 32 bytes. With the same key after a restart, clients of the former process learn at once that their connections are gone.
    /// Listeners that share an address behind a balancer need different keys: with one key, a packet on the wrong listener resets the connection. Default null: derived from the
    /// certificate's private key.
    /// </summary>
    public byte[]? StatelessResetKey { get => _statelessResetKey; set => _statelessResetKey = Key(value, nameof(value)); }

    /// <summary>
    /// The key of the Retry tokens, at least 32 bytes. Listeners behind a balancer share it, so that each accepts the tokens of the others. Their clocks must agree to a few seconds. Default null:
    /// a new key for this listener.
    /// </summary>
    public byte[]? RetryKey { get => _retryKey; set => _retryKey = Key(value, nameof(value)); }

    private static byte[]? Key(byte[]? value, string name)
    {
        if (value is not null)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value.Length, 32, name);
        }

        return value;
    }
}

/// <summary>Whether clients are asked for a certificate.</summary>
internal enum QuicClientCertificateMode
{
    /// <summary>Clients are not asked.</summary>
    None,

    /// <summary>Clients are asked and may send none. A certificate that is sent must be valid.</summary>
    Request,

    /// <summary>Clients are asked. The handshake fails without a certificate.</summary>
    Require,
}

/// <summary>When a client's address is validated before the listener keeps any state for it.</summary>
internal enum QuicAddressValidation
{
    /// <summary>When there are <see cref="QuicListenerOptions.RetryThreshold"/> handshakes at once, or connections begin faster than <see cref="QuicListenerOptions.RetryRate"/>.</summary>
    UnderLoad,

    /// <summary>For each connection. It costs one more round trip.</summary>
    Always,

    /// <summary>Never. The amplification limit (RFC 9000, section 8) applies all the same.</summary>
    Never,
}
