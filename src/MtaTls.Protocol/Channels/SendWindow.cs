namespace MtaTls.Protocol;

/// <summary>What the peer allows this end to send on a channel (section 2.2): its window and its max_packet_length. Guarded by the channel's lock.</summary>
internal struct SendWindow(uint window, uint maxPacketLength)
{
    /// <summary>The bytes that may still be sent; 0 is legal from the start.</summary>
    public uint Remaining { get; private set; } = window;

    /// <summary>The newest max_packet_length that was read. One that is larger than the window is cut to what is left of the window, packet by packet.</summary>
    public uint MaxPacketLength { get; set; } = maxPacketLength;

    /// <summary>Adds an Acknowledgment's free_space.</summary>
    /// <returns>Whether the window stays below 2^32.</returns>
    public bool TryAdd(uint freeSpace)
    {
        if (freeSpace > uint.MaxValue - Remaining)
        {
            return false;
        }

        Remaining += freeSpace;
        return true;
    }

    /// <summary>How many of <paramref name="available"/> bytes the next packet may carry.</summary>
    public readonly int NextPacketLength(int available) => (int)Math.Min((uint)available, Math.Min(Remaining, MaxPacketLength));

    public void Subtract(int length) => Remaining = checked(Remaining - (uint)length);
}
