namespace MtaTls.QuicTunnel;

/// <summary>How packets that arrive over several paths are put back into order, by the Packet Tag (draft section 4.1.1).</summary>
public sealed class TunnelReorderingOptions
{
    /// <summary>
    /// Whether packets are put back into order. Set it to false for peers whose Packet Tag is not a packet count. Every packet is then delivered when it arrives.
    /// </summary>
    /// <value>Default: true.</value>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// The longest time that a packet waits for missing packets before it. Within this limit it waits as long as earlier missing packets took to arrive.
    /// </summary>
    /// <value>Default: 250 milliseconds. Range: 1 millisecond to 5 seconds.</value>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The most packets of one session that wait. The Packet Tag can distinguish at most 32,768 packets.</summary>
    /// <value>Default: 2,048 packets. Range: 1 to 16,384.</value>
    public int MaxPackets { get; set; } = 2048;
}
