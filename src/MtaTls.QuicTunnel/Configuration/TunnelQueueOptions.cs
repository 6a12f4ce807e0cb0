namespace MtaTls.QuicTunnel;

/// <summary>How packets wait that the paths cannot carry yet: in one queue for each session, with fair queueing and CoDel (RFC 8289, RFC 8290).</summary>
public sealed class TunnelQueueOptions
{
    /// <summary>How many packets of one session wait at most. Default 2,048, 16 to 16,384.</summary>
    public int MaxPackets { get; set; } = 2048;

    /// <summary>The delay that may stay. Where a slower path is used as well, the difference of the paths comes on top. Default 5 ms, 1 ms to 1 s.</summary>
    public TimeSpan Target { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How long a larger delay may last before a packet is dropped: about the longest round-trip time of most connections. Default 100 ms, 10 ms to 10 s.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMilliseconds(100);
}
