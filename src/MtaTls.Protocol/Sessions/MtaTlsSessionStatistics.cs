namespace MtaTls.Protocol;

/// <summary>A snapshot of a session's counters since its start.</summary>
internal readonly record struct MtaTlsSessionStatistics
{
    /// <summary>The channels that count against <see cref="MtaTlsSessionLimits.MaxChannelsPerSession"/> now, without opens that wait for an answer.</summary>
    public int ActiveChannels { get; init; }

    /// <summary>The peer's opens that this end has not answered yet.</summary>
    public int PendingChannels { get; init; }

    /// <summary>Pings received and answered, without those above <see cref="MtaTlsSessionLimits.MaxSignalsPerSecond"/>.</summary>
    public long PingsReceived { get; init; }

    /// <summary>Channels opened since the start, by either end.</summary>
    public long TotalChannelsOpened { get; init; }

    /// <summary>The peer's opens that this end refused, and its signals above <see cref="MtaTlsSessionLimits.MaxSignalsPerSecond"/>.</summary>
    public long OpensRefused { get; init; }

    /// <summary>This end's opens that the peer refused.</summary>
    public long OpensRefusedByPeer { get; init; }

    /// <summary>Bytes of channel data received, headers not counted.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes of channel data sent, headers not counted.</summary>
    public long BytesSent { get; init; }

    /// <summary>Packets received, of every type.</summary>
    public long PacketsReceived { get; init; }

    /// <summary>Packets sent, of every type.</summary>
    public long PacketsSent { get; init; }

    /// <summary>How often a channel had data to send and no window left.</summary>
    public long WindowStalls { get; init; }

    /// <summary>Packets ignored because their channel was closed or closing.</summary>
    public long PacketsIgnored { get; init; }

    /// <summary>Data packets received that carried no data.</summary>
    public long EmptyDataPackets { get; init; }

    /// <summary>Acknowledgments received with free_space zero.</summary>
    public long EmptyAcknowledgments { get; init; }

    /// <summary>Channels that this end closed because the peer broke a rule of the channel: window, packet length, overflow by acknowledgments, or a confirmation without a request.</summary>
    public long ChannelErrors { get; init; }

    /// <summary>Channels that were open when the session failed, and opens of either end without an answer. Channels that this end was closing do not count. 0 until the session ends, and when it ended in order.</summary>
    public long ChannelsLost { get; init; }
}
