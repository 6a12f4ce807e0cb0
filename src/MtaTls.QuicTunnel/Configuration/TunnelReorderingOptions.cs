namespace MtaTls.QuicTunnel;

/// <summary>How what comes over several paths is put back into order, by the Packet Tag (draft section 4.1.1).</summary>
public sealed class TunnelReorderingOptions
{
    /// <summary>
    /// Whether it is. Default true. Set it to false for peers that use the Packet Tag for something else than a count: every packet is then delivered as it comes.
    /// </summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// How long a packet waits at most for those before it. Within this bound it waits as long as missing packets have really taken. Default 250 ms, 1 ms to 5 s.
    /// </summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How many packets of one session wait at most. Default 2,048, 1 to 16,384 (the tag tells 32,768 apart).</summary>
    public int MaxPackets { get; set; } = 2048;
}
