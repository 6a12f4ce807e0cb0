namespace MtaTls.Protocol;

/// <summary>The limits of one session. They hold whatever the peer sends.</summary>
public sealed class MtaTlsSessionLimits
{
    /// <summary>The bytes of the receive budget that are kept for each channel: the smallest window that a channel starts with.</summary>
    internal const int WindowFloor = 4096;

    private int _maxChannelsPerSession = 10_000;
    private int _maxPendingChannels = 256;
    private int _initialWindowSize = 256 * 1024;
    private int _maxWindowSize = 8 * 1024 * 1024;
    private int _maxPacketLength = 16_375;
    private long _sessionReceiveBudget = 64 * 1024 * 1024;
    private int _outputBufferSize = 128 * 1024;
    private int _maxQueuedAnswers = 16_384;
    private int _rememberedChannelIds = 4_096;
    private TimeSpan _closeLingerTimeout = TimeSpan.FromSeconds(5);
    private TimeSpan _closeTimeout = TimeSpan.FromSeconds(30);
    private TimeSpan _writeStallTimeout = TimeSpan.FromSeconds(60);
    private long _sessionSendBudget = 64 * 1024 * 1024;
    private int _minPeerPacketLength = 1;
    private int _maxOpensPerSecond;
    private int _maxSignalsPerSecond = 10;
    private int _maxEmptyPacketsPerSecond = 200_000;
    private int _maxSmallPacketsPerSecond;
    private int _maxAcknowledgmentsPerSecond;
    private TimeSpan _channelWriteStallTimeout = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The most channels of a session, opened by either end, including opens without an answer. A channel counts until its id is free and its application
    /// has closed it. The peer's opens above the limit are refused; this end's opens above it fail.
    /// </summary>
    /// <value>Default: 10,000. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxChannelsPerSession
    {
        get => _maxChannelsPerSession;
        set => _maxChannelsPerSession = Ranges.Check(value, 1, 1_000_000);
    }

    /// <summary>The most opens of the peer that this end has received and not yet answered. Opens above the limit are refused.</summary>
    /// <value>Default: 256. Range: 1 to 65,536.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxPendingChannels
    {
        get => _maxPendingChannels;
        set => _maxPendingChannels = Ranges.Check(value, 1, 65_536);
    }

    /// <summary>The window in bytes that a channel starts with (section 2.1.1, sender_window_length). It is smaller when the receive budgets have little room, but at least 4,096.</summary>
    /// <value>Default: 262,144 (256 KiB). Range: 4,096 to 1 GiB.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int InitialWindowSize
    {
        get => _initialWindowSize;
        set => _initialWindowSize = Ranges.Check(value, WindowFloor, 1 << 30);
    }

    /// <summary>The size in bytes up to which a window grows, while the application reads fast enough and the round-trip time needs a larger window. A window that starts at this size or above never grows.</summary>
    /// <value>Default: 8,388,608 (8 MiB). Range: 4,096 to 1 GiB.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxWindowSize
    {
        get => _maxWindowSize;
        set => _maxWindowSize = Ranges.Check(value, WindowFloor, 1 << 30);
    }

    /// <summary>
    /// The most bytes of data that the peer may send in one packet (section 2.1.1, sender_max_packet_length). The value that is announced is always smaller
    /// than the channel's window.
    /// </summary>
    /// <value>Default: 16,375. With its header of 9 bytes such a packet fills one TLS record. Range: 1 to 16,777,215.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxPacketLength
    {
        get => _maxPacketLength;
        set => _maxPacketLength = Ranges.Check(value, 1, PacketHeader.MaxDataLength - 1);
    }

    /// <summary>
    /// The most bytes that the peer can make this end buffer on all channels of the session: the bytes that the windows still allow it to send, and those that were not consumed yet.
    /// 4 KiB are kept for each of <see cref="MaxChannelsPerSession"/> channels. The channels that need more share the rest.
    /// </summary>
    /// <value>Default: 67,108,864 (64 MiB). Range: 4,096 times <see cref="MaxChannelsPerSession"/> (checked when a session starts) and up.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public long SessionReceiveBudget
    {
        get => _sessionReceiveBudget;
        set => _sessionReceiveBudget = Ranges.Check(value, WindowFloor, long.MaxValue / 2);
    }

    /// <summary>The unsent bytes of a channel at which its application's flush waits. The flush ends when at most half of them are left.</summary>
    /// <value>Default: 131,072 (128 KiB). That is two flushes of the send loop: the application writes one while the other is sent. Range: 1 to 1 GiB.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int OutputBufferSize
    {
        get => _outputBufferSize;
        set => _outputBufferSize = Ranges.Check(value, 1, 1 << 30);
    }

    /// <summary>The most answers (refusals and confirmations) that wait to be sent. When the peer causes more and does not read them, the session ends.</summary>
    /// <value>Default: 16,384. Range: 16 to 1,048,576.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxQueuedAnswers
    {
        get => _maxQueuedAnswers;
        set => _maxQueuedAnswers = Ranges.Check(value, 16, 1 << 20);
    }

    /// <summary>The number of freed channel ids that the session remembers. Late packets for them are ignored. A packet for any other id that is not in use ends the session.</summary>
    /// <value>Default: 4,096. Range: 4,096 to 1,048,576.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int RememberedChannelIds
    {
        get => _rememberedChannelIds;
        set => _rememberedChannelIds = Ranges.Check(value, 4_096, 1 << 20);
    }

    /// <summary>How long a channel that closes in order waits without any progress to send the rest of its data. Then the rest is discarded.</summary>
    /// <value>Default: 5 seconds. Range: more than zero, at most 24 days.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan CloseLingerTimeout
    {
        get => _closeLingerTimeout;
        set => _closeLingerTimeout = Ranges.Positive(value);
    }

    /// <summary>How long the peer may take to confirm a ChannelCloseRequest. Then the session ends. It also limits how long an ending session tries to send its own close_notify.</summary>
    /// <value>Default: 30 seconds. Range: more than zero, at most 24 days.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan CloseTimeout
    {
        get => _closeTimeout;
        set => _closeTimeout = Ranges.Positive(value);
    }

    /// <summary>
    /// How long one flush of about 64 KiB may take because the peer does not read fast enough. Then the session ends. A peer must therefore read about 64 KiB
    /// in this time while data waits for it.
    /// </summary>
    /// <value>Default: 60 seconds. Range: more than zero, at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan WriteStallTimeout
    {
        get => _writeStallTimeout;
        set => _writeStallTimeout = Ranges.PositiveOrInfinite(value);
    }

    /// <summary>
    /// The most bytes of the buffers that hold unsent data of all channels of the session. When little is left, a channel's flush waits earlier than <see cref="OutputBufferSize"/> says: when the channel
    /// has an eighth of the rest unsent, but not before it has 4 KiB unsent. When applications exceed it nevertheless, channels that cannot send are closed.
    /// </summary>
    /// <value>Default: 67,108,864 (64 MiB). Range: 4,096 and up.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public long SessionSendBudget
    {
        get => _sessionSendBudget;
        set => _sessionSendBudget = Ranges.Check(value, WindowFloor, long.MaxValue / 2);
    }

    /// <summary>
    /// The smallest max_packet_length, in bytes, that the peer may announce. With packets of one byte, each byte of a response would cost this end ten bytes and one turn of the send loop.
    /// Opens with a smaller value are refused. A channel for which the peer announces a smaller value later is closed.
    /// </summary>
    /// <value>Default: 1, every length that the draft allows. Range: 1 to 16,384.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MinPeerPacketLength
    {
        get => _minPeerPacketLength;
        set => _minPeerPacketLength = Ranges.Check(value, 1, 16_384);
    }

    /// <summary>The most opens of the peer in one second. Opens above the limit are refused.</summary>
    /// <value>Default: 0, no limit, because <see cref="MaxChannelsPerSession"/> limits the channels that are open at a time. Range: 0 to 1,000,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxOpensPerSecond
    {
        get => _maxOpensPerSecond;
        set => _maxOpensPerSecond = Ranges.Check(value, 0, 1_000_000_000);
    }

    /// <summary>The most signals of the peer (pings and go-aways) in one second. Signals above the limit are refused like opens, and have no effect.</summary>
    /// <value>Default: 10. Range: 0 (no limit) to 1,000,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxSignalsPerSecond
    {
        get => _maxSignalsPerSecond;
        set => _maxSignalsPerSecond = Ranges.Check(value, 0, 1_000_000_000);
    }

    /// <summary>
    /// The most packets of the peer in one second that carry nothing: data packets without data, Acknowledgments of 0 bytes, NewMaxPacketLength, packets for channel ids that were
    /// freed, and opens and signals that the session refuses because of a limit. When the peer sends more, the session ends.
    /// </summary>
    /// <value>Default: 200,000. That is far more than normal use needs, and handling it takes a small part of one CPU core. Range: 0 (no limit) to 1,000,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxEmptyPacketsPerSecond
    {
        get => _maxEmptyPacketsPerSecond;
        set => _maxEmptyPacketsPerSecond = Ranges.Check(value, 0, 1_000_000_000);
    }

    /// <summary>The most data packets of the peer in one second that carry 1 to 31 bytes. When the peer sends more, the session ends.</summary>
    /// <value>Default: 0, no limit, because interactive applications send such packets. Range: 0 to 1,000,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxSmallPacketsPerSecond
    {
        get => _maxSmallPacketsPerSecond;
        set => _maxSmallPacketsPerSecond = Ranges.Check(value, 0, 1_000_000_000);
    }

    /// <summary>The most Acknowledgment and NewMaxPacketLength packets of the peer in one second. When the peer sends more, the session ends.</summary>
    /// <value>Default: 0, no limit, because a peer that reads fast sends many. Range: 0 to 1,000,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxAcknowledgmentsPerSecond
    {
        get => _maxAcknowledgmentsPerSecond;
        set => _maxAcknowledgmentsPerSecond = Ranges.Check(value, 0, 1_000_000_000);
    }

    /// <summary>How long the peer may grant a channel no window while data waits to be sent on it. Then the channel is closed, and the session goes on.</summary>
    /// <value>Default: 5 minutes. Range: more than zero, at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan ChannelWriteStallTimeout
    {
        get => _channelWriteStallTimeout;
        set => _channelWriteStallTimeout = Ranges.PositiveOrInfinite(value);
    }

    /// <summary>Checks the values that depend on each other, and returns a copy that later changes do not affect.</summary>
    internal MtaTlsSessionLimits Validate()
    {
        if (SessionReceiveBudget < (long)WindowFloor * MaxChannelsPerSession)
        {
            throw new ArgumentException(
                $"{nameof(SessionReceiveBudget)} ({SessionReceiveBudget}) must be at least 4,096 bytes for each of {nameof(MaxChannelsPerSession)} ({MaxChannelsPerSession}) channels.");
        }

        return (MtaTlsSessionLimits)MemberwiseClone();
    }
}
