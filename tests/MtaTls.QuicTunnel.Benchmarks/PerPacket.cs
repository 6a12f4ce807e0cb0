using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>
/// Measures packets from the memory of one end to the memory of the other. Both ends run in this process, so the CPU time is that of both, including QUIC and the kernel's UDP. The
/// sender waits when too many packets are in flight, so that none is dropped. Allocations of the benchmark's own reader count too.
/// </summary>
internal static class PerPacket
{
    private const int Warmup = 200_000;
    private const int Count = 1_000_000;
    private const int UnderWay = 128;

    /// <summary>packets [size=1280]</summary>
    public static async Task RunAsync(params string[] arguments)
    {
        int size = int.Parse(Speed.Value(arguments, "size") ?? "1280", CultureInfo.InvariantCulture);
        string directory = Directory.CreateTempSubdirectory("bench-").FullName;
        try
        {
            using IHost host = await InMemoryTunnel.StartAsync(directory);
            var clientOptions = new QuicTunnelClientOptions
            {
                Host = "127.0.0.1",
                Port = InMemoryTunnel.PortOf(host),
                TargetHost = "concentrator.example",
                AuthorityPath = Path.Combine(directory, "ca.pem"),
            };
            clientOptions.Interface.Kind = TunnelInterfaceKind.InMemory;
            await using var client = new QuicTunnelClient(clientOptions);
            client.Start();
            await client.WaitForSessionAsync();
            while (client.Paths[0].MaxPacketSize < 1280)
            {
                await Task.Delay(10);
            }

            var received = Task.Run(() => ReceiveAsync(host.Services.GetRequiredService<InMemoryPacketInterface>()));
            Send(client.Packets!, Warmup, size);

            var process = Process.GetCurrentProcess();
            TimeSpan cpu = process.TotalProcessorTime;
            long allocated = GC.GetTotalAllocatedBytes(precise: true);
            var watch = Stopwatch.StartNew();
            Send(client.Packets!, Count, size);
            watch.Stop();
            allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
            process.Refresh();
            cpu = process.TotalProcessorTime - cpu;
            Console.WriteLine($"\n| packets of {size:n0} bytes | per second | Mbit/s | CPU us each, both ends | allocated bytes each |\n|---|---|---|---|---|");
            double rate = Count / watch.Elapsed.TotalSeconds;
            Console.WriteLine($"| {Count:n0} | {rate:n0} | {rate * size * 8 / 1e6:n0} | {cpu.TotalMicroseconds / Count:f2} | {(double)allocated / Count:f3} |");
            await host.StopAsync();
            await received;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static long s_received;
    private static long s_sent;

    private static void Send(InMemoryPacketInterface packets, int count, int size)
    {
        byte[] packet = new byte[size];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)size);
        packet[8] = 64;
        packet[9] = 17;
        byte[] addresses = [10, 99, 0, 70, 10, 99, 0, 1];
        addresses.CopyTo(packet, 12);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Compute(packet.AsSpan(0, 20)));
        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(28), i);
            packets.TrySend(packet);
            s_sent++;
            WaitFor(s_sent - UnderWay);
        }

        WaitFor(s_sent);
    }

    private static void WaitFor(long received)
    {
        // A packet that the kernel's buffers lost never arrives, so continue without it after a second.
        long start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref s_received) < received)
        {
            Thread.Yield();
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromSeconds(1))
            {
                Interlocked.Exchange(ref s_received, received);
                return;
            }
        }
    }

    private static async Task ReceiveAsync(InMemoryPacketInterface packets)
    {
        byte[] buffer = new byte[2048];
        while (await packets.ReceiveAsync(buffer) > 0)
        {
            Interlocked.Increment(ref s_received);
        }
    }
}
