using System.Net;

namespace MtaTls.Quic;

/// <summary>What a listener can set beside <see cref="QuicConnectionOptions"/>.</summary>
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
    private byte[]? _statelessResetKey;

    /// <summary>UDP addresses and ports; port 0 takes a free one. An IPv6 end point takes IPv6 only.</summary>
    public IList<IPEndPoint> EndPoints { get; } = [];

    /// <summary>Whether clients are asked for a certificate. Default <see cref="QuicClientCertificateMode.None"/>.</summary>
    public QuicClientCertificateMode ClientCertificateMode { get; set; }

    /// <summary>Whether a client's address is validated by a Retry packet before anything is kept for it (RFC 9000, section 8.1). Default <see cref="QuicAddressValidation.UnderLoad"/>.</summary>
    public QuicAddressValidation AddressValidation { get; set; } = QuicAddressValidation.UnderLoad;

    /// <summary>Handshakes in flight from which <see cref="QuicAddressValidation.UnderLoad"/> validates. Default 100, 0 to 1,000,000.</summary>
    public int RetryThreshold { get => _retryThreshold; set => _retryThreshold = Range(value, 0, 1_000_000); }

    /// <summary>New connections a second, per shard, from which <see cref="QuicAddressValidation.UnderLoad"/> validates. Default 50, 0 to 1,000,000.</summary>
    public int RetryRate { get => _retryRate; set => _retryRate = Range(value, 0, 1_000_000); }

    /// <summary>Retry packets a second, per shard; past that first packets get no answer. Default 10,000, 1 to 10,000,000.</summary>
    public int MaxRetriesPerSecond { get => _maxRetriesPerSecond; set => _maxRetriesPerSecond = Range(value, 1, 10_000_000); }

    /// <summary>First packets a second, per shard, of one address and port; further ones are dropped unread. Default 20, 1 to 1,000,000.</summary>
    public int MaxInitialsPerPort { get => _maxInitialsPerPort; set => _maxInitialsPerPort = Range(value, 1, 1_000_000); }

    /// <summary>First packets a second, per shard, of one address (an IPv6 /64); further ones are dropped unread. Default 2,000, 1 to 10,000,000.</summary>
    public int MaxInitialsPerAddress { get => _maxInitialsPerAddress; set => _maxInitialsPerAddress = Range(value, 1, 10_000_000); }

    /// <summary>Handshakes in flight; further clients are refused. Default 1,000, 1 to 1,000,000.</summary>
    public int MaxHandshakes { get => _maxHandshakes; set => _maxHandshakes = Range(value, 1, 1_000_000); }

    /// <summary>Connections, handshakes included; further clients are refused. Default 20,000, 1 to 10,000,000.</summary>
    public int MaxConnections { get => _maxConnections; set => _maxConnections = Range(value, 1, 10_000_000); }

    /// <summary>Version Negotiation, stateless reset and refusal packets a second, each kind for itself and per shard; past that packets get no answer. Default 1,000, 1 to 10,000,000.</summary>
    public int MaxStatelessResponsesPerSecond { get => _maxStatelessResponsesPerSecond; set => _maxStatelessResponsesPerSecond = Range(value, 1, 10_000_000); }

    /// <summary>Threads, each with its own sockets (SO_REUSEPORT). Default 0: one for each two processors, at most 8. Range 0 to 64.</summary>
    public int Shards { get => _shards; set => _shards = Range(value, 0, 64); }

    /// <summary>
    /// The key of the stateless reset tokens, 32 octets or more, the same after a restart: so clients of the former process learn at once that it is gone. Null derives it from the
    /// certificate's private key.
    /// </summary>
    public byte[]? StatelessResetKey
    {
        get => _statelessResetKey;
        set
        {
            if (value is not null)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(value.Length, 32, nameof(value));
            }

            _statelessResetKey = value;
        }
    }
}

/// <summary>Whether clients are asked for a certificate.</summary>
internal enum QuicClientCertificateMode
{
    /// <summary>Not asked.</summary>
    None,

    /// <summary>Asked; a client may go without. One that is given is validated.</summary>
    Request,

    /// <summary>Asked; a client without one is refused in the handshake.</summary>
    Require,
}

/// <summary>When a client's address is validated before anything is kept for it.</summary>
internal enum QuicAddressValidation
{
    /// <summary>When <see cref="QuicListenerOptions.RetryThreshold"/> handshakes are in flight, or connections begin faster than <see cref="QuicListenerOptions.RetryRate"/>.</summary>
    UnderLoad,

    /// <summary>For each connection: one more round trip.</summary>
    Always,

    /// <summary>Never; the limit on amplification (RFC 9000, section 8) holds all the same.</summary>
    Never,
}
