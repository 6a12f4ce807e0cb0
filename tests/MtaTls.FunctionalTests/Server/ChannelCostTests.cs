using System.Buffers.Binary;
using System.Text;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>The managed memory of a channel at the server. The client writes single packets and keeps only the ids of its channels.</summary>
[Collection(SerialCollection.Name)]
public sealed class ChannelCostTests
{
    private const int AtOnce = 50;

    [Fact]
    public async Task A_channel_without_data_costs_at_most_1_5_KiB()
    {
        await using TestApp app = await StartAsync();
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        PacketClient packets = new(client.Tls);
        await packets.OpenAsync(200);
        // The cost may be negative if objects of earlier tests are collected meanwhile.
        long cost = await LeastAsync(() => packets.OpenAsync(3_000)) / 3_000;
        Assert.True(cost <= 1_536, $"{cost} octets");
    }

    [Fact]
    public async Task A_channel_that_keeps_its_HTTP_pipeline_after_one_request_costs_at_most_8_KiB()
    {
        await using TestApp app = await StartAsync();
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        PacketClient packets = new(client.Tls);
        long cost = await LeastAsync(OpenAndGetAsync) / 1_000;
        Assert.True(cost <= 8_192, $"{cost} octets");

        async Task OpenAndGetAsync()
        {
            await packets.OpenAsync(1_000);
            await packets.GetAsync(packets.Channels[^1_000..]);
        }
    }

    /// <summary>Returns the bytes that the process keeps after a round. Other allocations and growing pools add to a round, so the lowest round is the cost of the channels.</summary>
    private static async Task<long> LeastAsync(Func<Task> round)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            long before = Memory();
            await round();
            least = Math.Min(least, Memory() - before);
        }

        return least;
    }

    // Without the test's log, which keeps all entries in memory.
    private static Task<TestApp> StartAsync() => TestApp.StartAsync(a => a.MapGet("/", Hello), configure: builder => builder.Logging.ClearProviders());

    // With Content-Length, so that the response ends with its last byte.
    private static Task Hello(HttpContext context)
    {
        context.Response.ContentLength = 5;
        return context.Response.WriteAsync("hello");
    }

    private static long Memory()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private sealed class PacketClient(TlsConnection tls)
    {
        private readonly byte[] _packet = new byte[16_384];

        public List<uint> Channels { get; } = [];

        public async Task OpenAsync(int count)
        {
            for (int left = count; left > 0; left -= AtOnce)
            {
                for (int i = 0; i < AtOnce; i++)
                {
                    tls.Write(Open((ushort)(Channels.Count + i + 1)));
                }

                await tls.FlushAsync();
                for (int opened = 0; opened < AtOnce;)
                {
                    (byte type, uint id, _) = await ReceiveAsync();
                    // An Acknowledgment (8) of a request may arrive in between.
                    if (type != 8)
                    {
                        Assert.Equal(2, type);
                        Channels.Add(id);
                        opened++;
                    }
                }
            }
        }

        public async Task GetAsync(List<uint> channels)
        {
            byte[] request = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"u8.ToArray();
            foreach (uint[] some in channels.Chunk(AtOnce))
            {
                foreach (uint id in some)
                {
                    tls.Write(Data(id, request));
                }

                await tls.FlushAsync();
                for (int answered = 0; answered < some.Length;)
                {
                    (byte type, _, int length) = await ReceiveAsync();
                    answered += type == 6 && Encoding.ASCII.GetString(_packet, 0, length).EndsWith("hello", StringComparison.Ordinal) ? 1 : 0;
                }
            }
        }

        // ChannelEstablishmentRequest: window 65,536, packets of at most 16,000, from a:1 to b:80.
        private static byte[] Open(ushort sender) => [1, 0, 20, (byte)(sender >> 8), (byte)sender, 0, 1, 0, 0, 0, 0, 62, 128, 0, 1, (byte)'a', 0, 1, 0, 1, (byte)'b', 0, 80];

        private static byte[] Data(uint id, byte[] data)
        {
            byte[] header = new byte[9];
            header[0] = 6;
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(1), data.Length);
            BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(5), id);
            return [.. header, .. data];
        }

        /// <summary>Reads one packet, and returns its type, its channel, and the length of its data in the buffer.</summary>
        private async Task<(byte Type, uint Id, int Length)> ReceiveAsync()
        {
            await ReadAsync(1);
            byte type = _packet[0];
            await ReadAsync(type == 6 ? 8 : 2);
            if (type == 6)
            {
                int length = BinaryPrimitives.ReadInt32BigEndian(_packet);
                uint id = BinaryPrimitives.ReadUInt32BigEndian(_packet.AsSpan(4));
                await ReadAsync(length);
                return (type, id, length);
            }

            await ReadAsync(BinaryPrimitives.ReadUInt16BigEndian(_packet));
            return (type, BinaryPrimitives.ReadUInt32BigEndian(_packet), 0);
        }

        private async Task ReadAsync(int count)
        {
            for (int have = 0; have < count;)
            {
                int read = await tls.ReadAsync(_packet.AsMemory(have, count - have)).Soon();
                Assert.NotEqual(0, read);
                have += read;
            }
        }
    }
}
