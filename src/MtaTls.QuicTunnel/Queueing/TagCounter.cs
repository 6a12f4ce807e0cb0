using System.Numerics;

namespace MtaTls.QuicTunnel.Queueing;

/// <summary>
/// Assigns the Packet Tags of a session, in the order of delivery. A packet that a slower path sends before its turn reserves a later tag.
/// Not thread-safe: the owner locks it.
/// </summary>
internal sealed class TagCounter
{
    private ulong[] _kept = []; // A bit for each reserved tag. Allocated with the first one.
    private ushort _last;
    private int _count;

    /// <summary>Returns the tag of the next packet.</summary>
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

    /// <summary>Reserves and returns the tag of a packet that is sent before <paramref name="packets"/> others of lower tags.</summary>
    public ushort Keep(int packets)
    {
        if (_kept.Length == 0)
        {
            _kept = new ulong[(ushort.MaxValue + 1) / 64];
        }

        ushort tag = Free(packets);
        Set(tag, isKept: true);
        return tag;
    }

    /// <summary>Returns the tag that is not reserved and follows <paramref name="before"/> others that are not reserved, because those belong to the packets before it.</summary>
    private ushort Free(int before)
    {
        ushort tag = (ushort)(_last + 1);
        if (_count == 0)
        {
            return (ushort)(tag + before);
        }

        while (true)
        {
            int bit = tag & 63;
            ulong free = ~_kept[tag >> 6] >> bit;
            int here = BitOperations.PopCount(free);
            if (here > before)
            {
                for (; before > 0; before--)
                {
                    free &= free - 1;
                }

                return (ushort)(tag + BitOperations.TrailingZeroCount(free));
            }

            before -= here;
            tag += (ushort)(64 - bit);
        }
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
