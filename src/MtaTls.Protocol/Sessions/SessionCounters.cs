namespace MtaTls.Protocol;

/// <summary>The counters of a session. Private fields are written by several threads, atomically. Public fields are written by one thread only, see their comments.</summary>
internal sealed class SessionCounters
{
    private long _opened;
    private long _refused;
    private long _refusedByPeer;
    private long _windowStalls;
    private long _ignored;
    private long _channelErrors;
    private long _limitsExceeded;
    private long _channelsLost;
    private readonly long[] _timesExceeded = new long[Enum.GetValues<MtaTlsSessionLimit>().Length];

    // Written by the read loop only.
    public long BytesReceived;
    public long PacketsReceived;
    public long EmptyDataPackets;
    public long EmptyAcknowledgments;

    // Written by the send loop only.
    public long BytesSent;
    public long PacketsSent;

    public void CountOpened() => Interlocked.Increment(ref _opened);

    public void CountRefused() => Interlocked.Increment(ref _refused);

    public void CountRefusedByPeer() => Interlocked.Increment(ref _refusedByPeer);

    public void CountWindowStall() => Interlocked.Increment(ref _windowStalls);

    public void CountIgnored() => Interlocked.Increment(ref _ignored);

    public void CountChannelError() => Interlocked.Increment(ref _channelErrors);

    public void SetLost(int channels) => Volatile.Write(ref _channelsLost, channels);

    public long LimitsExceeded => Volatile.Read(ref _limitsExceeded);

    public void CountExceeded(MtaTlsSessionLimit limit)
    {
        Interlocked.Increment(ref _timesExceeded[(int)limit]);
        Interlocked.Increment(ref _limitsExceeded);
    }

    public long TimesExceeded(MtaTlsSessionLimit limit) => Volatile.Read(ref _timesExceeded[(int)limit]);

    public MtaTlsSessionStatistics Snapshot(int active, int pending, long pings) => new()
    {
        ActiveChannels = active,
        PendingChannels = pending,
        PingsReceived = pings,
        TotalChannelsOpened = Volatile.Read(ref _opened),
        OpensRefused = Volatile.Read(ref _refused),
        OpensRefusedByPeer = Volatile.Read(ref _refusedByPeer),
        BytesReceived = Volatile.Read(ref BytesReceived),
        BytesSent = Volatile.Read(ref BytesSent),
        PacketsReceived = Volatile.Read(ref PacketsReceived),
        PacketsSent = Volatile.Read(ref PacketsSent),
        WindowStalls = Volatile.Read(ref _windowStalls),
        PacketsIgnored = Volatile.Read(ref _ignored),
        EmptyDataPackets = Volatile.Read(ref EmptyDataPackets),
        EmptyAcknowledgments = Volatile.Read(ref EmptyAcknowledgments),
        ChannelErrors = Volatile.Read(ref _channelErrors),
        ChannelsLost = Volatile.Read(ref _channelsLost),
    };
}
