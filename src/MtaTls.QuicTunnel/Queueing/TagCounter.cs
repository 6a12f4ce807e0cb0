namespace MtaTls.QuicTunnel.Queueing;

/// <summary>
/// Gives the packets of a session their tags, in the order in which they shall be delivered. A packet that goes before its turn, over a slower path, has its tag kept for it.
/// Not thread-safe: its session locks.
/// </summary>
internal sealed class TagCounter
{
    private ulong[] _kept = []; // A bit for each tag. Made with the first that is kept.
    private ushort _last;
    private int _count;

    /// <summary>The tag of the packet whose turn it is.</summary>
    public ushort Next()
    {
        _last++;
        while (_count > 0 && IsKept(_last))
        {
            Set(_last, isKept: false);
            _last++;
        }

        return _last;
    }

    /// <summary>The tag of a packet before which so many others go.</summary>
    public ushort Keep(int packets)
    {
        if (_kept.Length == 0)
        {
            _kept = new ulong[(ushort.MaxValue + 1) / 64];
        }

        ushort tag = (ushort)(_last + 1 + packets);
        while (IsKept(tag))
        {
            tag++;
        }

        Set(tag, isKept: true);
        return tag;
    }

    private bool IsKept(ushort tag) => (_kept[tag >> 6] & (1UL << (tag & 63))) != 0;

    private void Set(ushort tag, bool isKept)
    {
        ulong bit = 1UL << (tag & 63);
        if (isKept)
        {
            _kept[tag >> 6] |= bit;
        }
        else
        {
            _kept[tag >> 6] &= ~bit;
        }

        _count += isKept ? 1 : -1;
    }
}
