namespace MtaTls.QuicTunnel;

/// <summary>The queue of packets that wait for the paths. Each session has one, with fair queueing and CoDel (RFC 8289, RFC 8290).</summary>
public sealed class TunnelQueueOptions
{
    /// <summary>The most packets of one session that wait.</summary>
    /// <value>Default: 2,048 packets. Range: 16 to 16,384.</value>
    public int MaxPackets { get; set; } = 2048;

    /// <summary>The acceptable standing delay in the queue (CoDel). If a slower path is also used, 2.5 times the delay difference of the paths is added.</summary>
    /// <value>Default: 5 milliseconds. Range: 1 millisecond to 1 second.</value>
    public TimeSpan Target { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How long the delay may stay above <see cref="Target"/> before a packet is dropped (CoDel). It should be about the longest usual round-trip time.</summary>
    /// <value>Default: 100 milliseconds. Range: 10 milliseconds to 10 seconds.</value>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMilliseconds(100);
}
