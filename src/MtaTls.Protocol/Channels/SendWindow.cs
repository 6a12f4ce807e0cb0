namespace MtaTls.Protocol;

/// <summary>The window that the peer grants this end on a channel, and its max_packet_length (section 2.2). Guarded by the channel's lock.</summary>
internal struct SendWindow(uint window, uint maxPacketLength)
{
    /// <summary>The bytes that can still be sent. The draft allows 0 from the start.</summary>
    public uint Remaining { get; private set; } = window;

    /// <summary>The newest max_packet_length that was read. A packet is never longer than this, nor than what is left of the window.</summary>
    public uint MaxPacketLength { get; set; } = maxPacketLength;

    /// <summary>Adds the free_space of an Acknowledgment.</summary>
    /// <returns><see langword="false"/> when the window would exceed 2^32-1.</returns>
    public bool TryAdd(uint freeSpace)
    {
        if (freeSpace > uint.MaxValue - Remaining)
        {
            return false;
        }

        Remaining += freeSpace;
        return true;
    }

    /// <summary>Returns how many of <paramref name="available"/> bytes the next packet can carry.</summary>
    public readonly int NextPacketLength(int available) => (int)Math.Min((uint)available, Math.Min(Remaining, MaxPacketLength));

    public void Subtract(int length) => Remaining = checked(Remaining - (uint)length);
}
