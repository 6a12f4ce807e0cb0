namespace MtaTls.Protocol;

/// <summary>The limits of one session. Each holds whatever the peer sends.</summary>
public sealed class MtaTlsSessionLimits
{
    /// <summary>The part of the receive budget that is kept for each channel: the smallest window that a channel starts with.</summary>
    internal const int WindowFloor = 4096;

    // What every timer of .NET can measure.
    private static readonly TimeSpan s_maxTimeout = TimeSpan.FromDays(24);

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
    /// The number of channels that a session holds, opened by either end, those that wait for an answer included. A channel counts until its id is free,
    /// its application has ended and its buffer is empty. The peer's opens above it are refused; own opens above it fail.
    /// </summary>
    /// <value>Default: 10,000. Range: 1 to 1,000,000.</value>
    public int MaxChannelsPerSession
    {
        get => _maxChannelsPerSession;
        set => _maxChannelsPerSession = InRange(value, 1, 1_000_000);
    }

    /// <summary>The number of the peer's opens that were received and not yet answered. Opens above it are refused.</summary>
    /// <value>Default: 256. Range: 1 to 65,536.</value>
    public int MaxPendingChannels
    {
        get => _maxPendingChannels;
        set => _maxPendingChannels = InRange(value, 1, 65_536);
    }

    /// <summary>The window that a channel starts with, in bytes, as long as the receive budgets have room (section 2.1.1, sender_window_length).</summary>
    /// <value>Default: 262,144 (256 KiB). Range: 4,096 to 1 GiB.</value>
    public int InitialWindowSize
    {
        get => _initialWindowSize;
        set => _initialWindowSize = InRange(value, WindowFloor, 1 << 30);
    }

    /// <summary>The size in bytes that a window grows to while its reader keeps up and the round trip needs it. Below <see cref="InitialWindowSize"/> it never grows.</summary>
    /// <value>Default: 8,388,608 (8 MiB). Range: 4,096 to 1 GiB.</value>
    public int MaxWindowSize
    {
        get => _maxWindowSize;
        set => _maxWindowSize = InRange(value, WindowFloor, 1 << 30);
    }

    /// <summary>
    /// The longest data, in bytes, that the peer may send in one packet (section 2.1.1, sender_max_packet_length). What is announced is always smaller
    /// than the channel's window.
    /// </summary>
    /// <value>Default: 16,375: with its 9 bytes of header such a packet fills one TLS record. Range: 1 to 16,777,215.</value>
    public int MaxPacketLength
    {
        get => _maxPacketLength;
        set => _maxPacketLength = InRange(value, 1, PacketHeader.MaxDataLength - 1);
    }

    /// <summary>
    /// The most bytes that the peer may make this end buffer over all channels of the session: what the windows still allow it to send and what was not read yet.
    /// 4 KiB of it are kept for each of <see cref="MaxChannelsPerSession"/>; the rest is shared by the channels that need more.
    /// </summary>
    /// <value>Default: 67,108,864 (64 MiB). Range: 4,096 times <see cref="MaxChannelsPerSession"/> (checked when a session starts) and up.</value>
    public long SessionReceiveBudget
    {
        get => _sessionReceiveBudget;
        set => _sessionReceiveBudget = InRange(value, WindowFloor, long.MaxValue / 2);
    }

    /// <summary>The number of bytes that a channel's application may have written and not sent before a flush waits. It goes on when half of them have been sent.</summary>
    /// <value>Default: 131,072 (128 KiB): two flushes of the send loop, so that the application writes the one while the other is sent. Range: 1 to 1 GiB.</value>
    public int OutputBufferSize
    {
        get => _outputBufferSize;
        set => _outputBufferSize = InRange(value, 1, 1 << 30);
    }

    /// <summary>The number of answers (refusals, confirmations) that wait to be sent. A peer that causes more without reading them loses its session.</summary>
    /// <value>Default: 16,384. Range: 16 to 1,048,576.</value>
    public int MaxQueuedAnswers
    {
        get => _maxQueuedAnswers;
        set => _maxQueuedAnswers = InRange(value, 16, 1 << 20);
    }

    /// <summary>The number of freed channel ids that are remembered: late packets for them are ignored, packets for an id that was never live end the session.</summary>
    /// <value>Default: 4,096. Range: 4,096 to 1,048,576.</value>
    public int RememberedChannelIds
    {
        get => _rememberedChannelIds;
        set => _rememberedChannelIds = InRange(value, 4_096, 1 << 20);
    }

    /// <summary>How long a graceful close goes on sending what its application wrote without any progress; then the rest is discarded.</summary>
    /// <value>Default: 5 seconds. Range: more than zero, at most 24 days.</value>
    public TimeSpan CloseLingerTimeout
    {
        get => _closeLingerTimeout;
        set => _closeLingerTimeout = Positive(value);
    }

    /// <summary>How long the peer may take to confirm a ChannelCloseRequest, and to answer close_notify; after it the session ends.</summary>
    /// <value>Default: 30 seconds. Range: more than zero, at most 24 days.</value>
    public TimeSpan CloseTimeout
    {
        get => _closeTimeout;
        set => _closeTimeout = Positive(value);
    }

    /// <summary>
    /// How long the peer may read nothing while bytes wait to be sent; after it the session ends. One flush of some 64 KiB must end within it, whatever the
    /// rate at which the peer reads.
    /// </summary>
    /// <value>Default: 60 seconds. Range: more than zero, at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    public TimeSpan WriteStallTimeout
    {
        get => _writeStallTimeout;
        set => _writeStallTimeout = value == Timeout.InfiniteTimeSpan ? value : Positive(value);
    }

    /// <summary>
    /// The bytes that the buffers of all channels of the session may hold for data that applications have written and that is not sent. The less of it is left, the earlier a channel's flush waits,
    /// in place of <see cref="OutputBufferSize"/>: from an eighth of what is left on, but not before the channel has 4 KiB unsent. When it is exceeded all the same, channels that cannot send are closed.
    /// </summary>
    /// <value>Default: 67,108,864 (64 MiB). Range: 4,096 and up.</value>
    public long SessionSendBudget
    {
        get => _sessionSendBudget;
        set => _sessionSendBudget = InRange(value, WindowFloor, long.MaxValue / 2);
    }

    /// <summary>
    /// The smallest max_packet_length that the peer may announce: a byte a packet would cost this end ten bytes and a turn of its scheduler for each byte of
    /// an answer. Opens below it are refused, channels that fall below it are closed.
    /// </summary>
    /// <value>Default: 1: every length that the draft allows. Range: 1 to 16,384.</value>
    public int MinPeerPacketLength
    {
        get => _minPeerPacketLength;
        set => _minPeerPacketLength = InRange(value, 1, 16_384);
    }

    /// <summary>The peer's opens in one second; above it they are refused until the second is over.</summary>
    /// <value>Default: 0, no limit: what counts is what is open at a time. Range: 0 to 1,000,000,000.</value>
    public int MaxOpensPerSecond
    {
        get => _maxOpensPerSecond;
        set => _maxOpensPerSecond = InRange(value, 0, 1_000_000_000);
    }

    /// <summary>The peer's signals (pings and go-aways) in one second; above it they are refused as other opens are, and have no effect.</summary>
    /// <value>Default: 10. Range: 0 (no limit) to 1,000,000,000.</value>
    public int MaxSignalsPerSecond
    {
        get => _maxSignalsPerSecond;
        set => _maxSignalsPerSecond = InRange(value, 0, 1_000_000_000);
    }

    /// <summary>
    /// The packets in one second that bring nothing: data packets without data, acknowledgments of nothing, NewMaxPacketLength, packets for channels that were
    /// closed, opens that are refused. A peer that sends more loses its session.
    /// </summary>
    /// <value>Default: 200,000: far above what honest work brings, and a small part of a core. Range: 0 to 1,000,000,000; 0: no limit.</value>
    public int MaxEmptyPacketsPerSecond
    {
        get => _maxEmptyPacketsPerSecond;
        set => _maxEmptyPacketsPerSecond = InRange(value, 0, 1_000_000_000);
    }

    /// <summary>The data packets in one second that carry 1 to 31 bytes. A peer that sends more loses its session.</summary>
    /// <value>Default: 0, no limit: what is typed comes in such packets. Range: 0 to 1,000,000,000.</value>
    public int MaxSmallPacketsPerSecond
    {
        get => _maxSmallPacketsPerSecond;
        set => _maxSmallPacketsPerSecond = InRange(value, 0, 1_000_000_000);
    }

    /// <summary>The Acknowledgment and NewMaxPacketLength packets in one second. A peer that sends more loses its session.</summary>
    /// <value>Default: 0, no limit: a peer that reads fast acknowledges much. Range: 0 to 1,000,000,000.</value>
    public int MaxAcknowledgmentsPerSecond
    {
        get => _maxAcknowledgmentsPerSecond;
        set => _maxAcknowledgmentsPerSecond = InRange(value, 0, 1_000_000_000);
    }

    /// <summary>How long the peer may grant a channel no window while bytes wait to be sent on it; after it the channel is closed, and the session goes on.</summary>
    /// <value>Default: 5 minutes. Range: more than zero, at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    public TimeSpan ChannelWriteStallTimeout
    {
        get => _channelWriteStallTimeout;
        set => _channelWriteStallTimeout = value == Timeout.InfiniteTimeSpan ? value : Positive(value);
    }

    /// <summary>A copy that later changes do not reach; checks what one setter alone cannot.</summary>
    internal MtaTlsSessionLimits Validate()
    {
        if (SessionReceiveBudget < (long)WindowFloor * MaxChannelsPerSession)
        {
            throw new ArgumentException(
                $"{nameof(SessionReceiveBudget)} ({SessionReceiveBudget}) is less than 4,096 octets for each of {nameof(MaxChannelsPerSession)} ({MaxChannelsPerSession}).");
        }

        return (MtaTlsSessionLimits)MemberwiseClone();
    }

    private static int InRange(int value, int min, int max) => (int)InRange((long)value, min, max);

    private static long InRange(long value, long min, long max)
    {
        if (value < min || value > max)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, $"The value must be from {min} to {max}.");
        }

        return value;
    }

    private static TimeSpan Positive(TimeSpan value)
    {
        if (value <= TimeSpan.Zero || value > s_maxTimeout)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "The value must be more than zero and at most 24 days.");
        }

        return value;
    }
}
