using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Reordering;

/// <summary>
/// Remembers the last packets by tag and hash: a duplicate is an equal tag and equal octets. A tag alone says nothing, since what a peer
/// puts there is its own affair.
/// </summary>
internal sealed class DuplicateFilter(int capacity)
{
    private readonly Entry[] _entries = new Entry[capacity];

    /// <summary>True when that packet was there before; else it is remembered.</summary>
    public bool IsDuplicate(ushort tag, ReadOnlySpan<byte> datagram)
    {
        ref var entry = ref _entries[tag & (_entries.Length - 1)];
        var hash = PacketHash.Compute(datagram);
        if (entry.IsSet && entry.Tag == tag && entry.Hash == hash)
            return true;
        entry = new Entry { IsSet = true, Tag = tag, Hash = hash };
        return false;
    }

    private struct Entry
    {
        public ulong Hash;
        public ushort Tag;
        public bool IsSet;
    }
}
