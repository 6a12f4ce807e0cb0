using FsCheck.Xunit;
using MtaTls.QuicTunnel.Reordering;

namespace MtaTls.QuicTunnel.Tests.Reordering;

public class DuplicateFilterTests
{
    /// <summary>At any size of the table, it remembers the newest packet of each place and nothing else.</summary>
    [Property(MaxTest = 200)]
    public void A_packet_is_a_duplicate_if_the_newest_one_of_its_place_has_the_same_tag_and_bytes_and_arrived_over_another_path((ushort Tag, bool Other)[] packets)
    {
        const int Capacity = 64;
        var filter = new DuplicateFilter(Capacity);
        var newest = new Dictionary<int, ((ushort, bool) Packet, int Path)>();
        int count = 0;
        foreach ((ushort, bool Other) packet in packets.SelectMany(static p => new[] { p, ((ushort)(p.Tag % 200), p.Other) }))
        {
            int place = packet.Item1 % Capacity;
            int path = count++ % 3;
            bool expected = newest.TryGetValue(place, out ((ushort, bool) Packet, int Path) before) && before.Packet == packet && before.Path != path;
            if (!expected)
            {
                newest[place] = (packet, path);
            }

            Assert.Equal(expected, filter.IsDuplicate(path, packet.Item1, packet.Item2 ? "other"u8 : "octets"u8));
        }
    }

    [Fact]
    public void The_last_packets_are_remembered_up_to_the_capacity()
    {
        var filter = new DuplicateFilter(512);
        for (int tag = 0; tag < 70_000; tag++)
        {
            Assert.False(filter.IsDuplicate(0, (ushort)tag, BitConverter.GetBytes(tag)));
        }

        for (int tag = 70_000 - 512; tag < 70_000; tag++)
        {
            Assert.True(filter.IsDuplicate(1, (ushort)tag, BitConverter.GetBytes(tag)));
        }

        Assert.False(filter.IsDuplicate(1, unchecked((ushort)(70_000 - 513)), BitConverter.GetBytes(70_000 - 513)));
    }
}
