namespace MtaTls.Client;

/// <summary>A snapshot of the counts of a client since its start.</summary>
public readonly record struct MtaTlsClientStatistics
{
    /// <summary>The sessions that are open now.</summary>
    public int ActiveSessions { get; init; }

    /// <summary>The channels that are open now, including those that are separate TLS connections.</summary>
    public int ActiveChannels { get; init; }

    /// <summary>The TLS handshakes that succeeded, including those of separate TLS connections for channels.</summary>
    public long Handshakes { get; init; }

    /// <summary>The attempts to connect that failed.</summary>
    public long ConnectFailures { get; init; }

    /// <summary>The channels that the client opened, including those that are separate TLS connections.</summary>
    public long ChannelsOpened { get; init; }

    /// <summary>The opens that the server refused.</summary>
    public long ChannelsRefused { get; init; }

    /// <summary>The channels that became separate TLS connections because the server does not speak MTA-TLS.</summary>
    public long Fallbacks { get; init; }

    /// <summary>Bytes of data received on channels, without packet headers.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes of data sent on channels, without packet headers.</summary>
    public long BytesSent { get; init; }
}
