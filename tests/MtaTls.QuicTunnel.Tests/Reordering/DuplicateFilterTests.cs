using FsCheck.Xunit;
using MtaTls.QuicTunnel.Reordering;

namespace MtaTls.QuicTunnel.Tests.Reordering;

public class DuplicateFilterTests
{
    /// <summary>However it grows: the newest packet of each of so many tags is remembered, and nothing else.</summary>
    [Property(MaxTest = 200)]
    public void A_packet_is_a_duplicate_when_the_newest_of_its_place_has_its_tag_and_octets((ushort Tag, bool Other)[] packets)
    {
        const int Capacity = 64;
        var filter = new DuplicateFilter(Capacity);
        var newest = new Dictionary<int, (ushort, bool)>();
        foreach ((ushort, bool Other) packet in packets.SelectMany(static p => new[] { p, ((ushort)(p.Tag % 200), p.Other) }))
        {
            int place = packet.Item1 % Capacity;
            bool expected = newest.TryGetValue(place, out (ushort, bool) before) && before == packet;
            newest[place] = packet;

            Assert.Equal(expected, filter.IsDuplicate(packet.Item1, packet.Item2 ? "other"u8 : "octets"u8));
        }
    }

    [Fact]
    public void The_last_packets_are_remembered_up_to_the_capacity()
    {
        var filter = new DuplicateFilter(512);
        for (int tag = 0; tag < 70_000; tag++)
        {
            Assert.False(filter.IsDuplicate((ushort)tag, BitConverter.GetBytes(tag)));
        }

        for (int tag = 70_000 - 512; tag < 70_000; tag++)
        {
            Assert.True(filter.IsDuplicate((ushort)tag, BitConverter.GetBytes(tag)));
        }

        Assert.False(filter.IsDuplicate(unchecked((ushort)(70_000 - 513)), BitConverter.GetBytes(70_000 - 513)));
    }
}
