namespace MtaTls.Client;

/// <summary>What a client has counted since its start: a snapshot.</summary>
public readonly record struct MtaTlsClientStatistics
{
    /// <summary>Sessions that are open now.</summary>
    public int ActiveSessions { get; init; }

    /// <summary>Channels that are open now, those that fell back to a TLS connection of their own included.</summary>
    public int ActiveChannels { get; init; }

    /// <summary>TLS handshakes that succeeded, those of fallback connections included.</summary>
    public long Handshakes { get; init; }

    /// <summary>Attempts to connect that failed.</summary>
    public long ConnectFailures { get; init; }

    /// <summary>Channels opened by this end.</summary>
    public long ChannelsOpened { get; init; }

    /// <summary>Opens that the server refused.</summary>
    public long ChannelsRefused { get; init; }

    /// <summary>Channels that are a TLS connection of their own, because the server does not speak MTA-TLS.</summary>
    public long Fallbacks { get; init; }

    /// <summary>Bytes of data received in channels.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes of data sent in channels.</summary>
    public long BytesSent { get; init; }
}
