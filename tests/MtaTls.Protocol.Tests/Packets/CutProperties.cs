using FsCheck;
using FsCheck.Xunit;

namespace MtaTls.Protocol.Tests;

/// <summary>Any sequence of valid packets, cut at any octet, has the same effect.</summary>
public class CutProperties
{
    [Property(MaxTest = 80)]
    public async Task Cuts_change_nothing(PositiveInt[] choices, PositiveInt[] cuts)
    {
        (byte[], int[]) script = Compose(choices);
        string whole = await RunAsync(script, []);
        Assert.Equal(whole, await RunAsync(script, [.. cuts.Select(c => c.Get)]));
        Assert.Equal(whole, await RunAsync(script, [.. cuts.Select(c => c.Get * 500)]));
    }

    [Property(MaxTest = 15)]
    public async Task Single_octets_change_nothing(PositiveInt[] choices)
    {
        (byte[], int[]) script = Compose(choices);
        Assert.Equal(await RunAsync(script, []), await RunAsync(script, [1]));
    }

    /// <summary>Creates a sequence that a peer can send to a server that accepts every open at once, so that the ids are known.</summary>
    private static (byte[] Octets, int[] Opened) Compose(PositiveInt[] choices)
    {
        var open = new List<ChannelId>();
        var freed = new List<ChannelId>();
        var opened = new List<int>();
        using var octets = new MemoryStream();
        ushort next = 0;
        foreach (int choice in choices.Select(c => c.Get))
        {
            var random = new Random(choice);
            if (open.Count == 0 || choice % 5 == 0)
            {
                octets.Write(RawPeer.Request(next, (uint)random.Next(0, 100_000), (uint)random.Next(64, 100_000), host: new string('a', random.Next(1, 254))));
                octets.Write(RawPeer.Request(0x7000, host: new string('b', random.Next(254, 60_000))));   // refused
                opened.Add((int)octets.Length);
                open.Add(new ChannelId((uint)next << 16 | 0x8000u | next));
                next++;
            }
            ChannelId id = open[random.Next(open.Count)];
            switch (random.Next(8))
            {
                case 0:
                    octets.Write(RawPeer.Acknowledge(id, (uint)random.Next()));
                    break;
                case 1:
                    octets.Write(RawPeer.MaxPacketLength(id, (uint)random.Next(64, int.MaxValue)));
                    break;
                case 2:
                    octets.Write(RawPeer.Close(id));
                    open.Remove(id);
                    freed.Add(id);
                    break;
                case 3 when freed.Count > 0:
                    octets.Write(RawPeer.Data(freed[random.Next(freed.Count)], new byte[random.Next(40_000)]));
                    break;
                default:
                    // Mostly short, sometimes longer than a record or longer than allowed.
                    byte[] data = new byte[random.Next(4) == 0 ? random.Next(17_000) : random.Next(300)];
                    random.NextBytes(data);
                    octets.Write(RawPeer.Data(id, data));
                    break;
            }
        }
        return (octets.ToArray(), [.. opened]);
    }

    private static async Task<string> RunAsync((byte[] Octets, int[] Opened) script, int[] pieces)
    {
        var channels = new List<MtaTlsChannel>();
        await using var session = MtaTlsSession.Start(
            new ScriptedTransport(script.Octets, pieces, script.Opened), new() { Role = MtaTlsRole.Server, ChannelRequested = request => channels.Add(request.Accept()) });
        await session.Completion.WaitAsync(SessionPair.HangTimeout);
        var result = new System.Text.StringBuilder();
        foreach (MtaTlsChannel channel in channels)
        {
            result.Append(channel.Id).Append(' ').Append(channel.Source).Append(' ').Append(channel.Destination).Append(' ').Append(channel.BytesReceived).Append(' ');
            try
            {
                result.AppendLine(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(await FlowControlTests.ReadAllAsync(channel.Input))));
            }
            catch (MtaTlsChannelException e)
            {
                result.AppendLine(e.Message);
            }
        }
        MtaTlsSessionStatistics statistics = session.GetStatistics();
        return result.Append(statistics with { PacketsSent = 0, BytesSent = 0, WindowStalls = 0 }).ToString();
    }
}
