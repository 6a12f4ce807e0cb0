namespace MtaTls.Protocol;

/// <summary>What a session has counted since its start: a snapshot.</summary>
internal readonly record struct MtaTlsSessionStatistics
{
    /// <summary>Channels that count against <see cref="MtaTlsSessionLimits.MaxChannelsPerSession"/> now, without those that wait for an answer.</summary>
    public int ActiveChannels { get; init; }

    /// <summary>The peer's opens that were received and not yet answered.</summary>
    public int PendingChannels { get; init; }

    /// <summary>Pings received and answered, those above <see cref="MtaTlsSessionLimits.MaxSignalsPerSecond"/> not counted.</summary>
    public long PingsReceived { get; init; }

    /// <summary>Channels opened since the start, by either end.</summary>
    public long TotalChannelsOpened { get; init; }

    /// <summary>The peer's opens that this end refused.</summary>
    public long OpensRefused { get; init; }

    /// <summary>Own opens that the peer refused.</summary>
    public long OpensRefusedByPeer { get; init; }

    /// <summary>Bytes of channel data received, headers not counted.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes of channel data sent, headers not counted.</summary>
    public long BytesSent { get; init; }

    /// <summary>Packets received, of every type.</summary>
    public long PacketsReceived { get; init; }

    /// <summary>Packets sent, of every type.</summary>
    public long PacketsSent { get; init; }

    /// <summary>Times that a channel had data to send and no window left.</summary>
    public long WindowStalls { get; init; }

    /// <summary>Packets ignored because their channel was closed already.</summary>
    public long PacketsIgnored { get; init; }

    /// <summary>Data packets received that carried no data.</summary>
    public long EmptyDataPackets { get; init; }

    /// <summary>Acknowledgments received with free_space zero.</summary>
    public long EmptyAcknowledgments { get; init; }

    /// <summary>Channels that this end closed because the peer broke a rule of the channel (window, packet length, acknowledgment overflow).</summary>
    public long ChannelErrors { get; init; }

    /// <summary>Channels that were open, or being opened by either end, when the session failed, without those that this end was closing; 0 while it lasts, and where it ended in order.</summary>
    public long ChannelsLost { get; init; }
}
