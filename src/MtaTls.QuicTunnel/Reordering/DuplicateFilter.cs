using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Reordering;

/// <summary>
/// Remembers the last packets by tag and hash. A duplicate has an equal tag and equal octets, and came over another path: QUIC delivers no datagram twice, so an equal packet
/// over the same path is one that was sent again. A tag alone says nothing, since its meaning is the peer's choice. Small until there are packets to remember: a session that says little holds little.
/// </summary>
/// <param name="capacity">How many, a power of 2.</param>
internal sealed class DuplicateFilter(int capacity)
{
    private Entry[] _entries = new Entry[Math.Min(capacity, 16)];

    /// <summary>True when that packet was there before; else it is remembered.</summary>
    public bool IsDuplicate(int path, ushort tag, ReadOnlySpan<byte> packet)
    {
        ref Entry entry = ref EntryOf(tag);
        while (entry.IsSet && entry.Tag != tag && _entries.Length < capacity)
        {
            Grow();
            entry = ref EntryOf(tag);
        }

        ulong hash = PacketHash.Compute(packet);
        if (entry.IsSet && entry.Tag == tag && entry.Hash == hash && entry.Path != path)
        {
            return true;
        }

        entry = new Entry { IsSet = true, Tag = tag, Hash = hash, Path = (byte)path };
        return false;
    }

    private ref Entry EntryOf(ushort tag) => ref _entries[tag & (_entries.Length - 1)];

    // Entries that had a place each have one each in the larger table too: none is lost before all places are made.
    private void Grow()
    {
        Entry[] former = _entries;
        _entries = new Entry[former.Length * 2];
        foreach (ref readonly Entry entry in former.AsSpan())
        {
            if (entry.IsSet)
            {
                EntryOf(entry.Tag) = entry;
            }
        }
    }

    private struct Entry
    {
        public ulong Hash;
        public ushort Tag;
        public byte Path;
        public bool IsSet;
    }
}
