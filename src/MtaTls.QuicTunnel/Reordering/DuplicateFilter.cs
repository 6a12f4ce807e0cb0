using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Reordering;

/// <summary>
/// Remembers the last packets by tag and hash. A duplicate has the same tag and the same bytes, and arrived over another path. QUIC never delivers a datagram twice, so an equal packet
/// over the same path was really sent twice. The tag alone is not enough, because its meaning is up to the peer. The table is small and grows with the number of packets.
/// </summary>
/// <param name="capacity">The most packets to remember. A power of 2.</param>
internal sealed class DuplicateFilter(int capacity)
{
    private Entry[] _entries = new Entry[Math.Min(capacity, 16)];

    /// <summary>Returns whether the packet is a duplicate, and otherwise remembers it.</summary>
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

    // Entries with different places have different places in the larger table too, so no entry is lost.
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
