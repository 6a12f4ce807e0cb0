using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MtaTls.Quic.Ngtcp2;
using MtaTls.Tests.Network;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>
/// The concentrator sends a packet every millisecond, and the path in use is cut silently. Measured at the client, with default settings: the longest time
/// without a packet in the two seconds before and after the cut.
/// </summary>
internal static class Cut
{
    /// <summary>cut [rounds=7] [forged=50]</summary>
    public static async Task RunAsync(string[] arguments)
    {
        int rounds = int.Parse(Speed.Value(arguments, "rounds") ?? "7", CultureInfo.InvariantCulture);
        double forged = double.Parse(Speed.Value(arguments, "forged") ?? "0", CultureInfo.InvariantCulture);
        using var network = new Network("c");
        await network.StartAsync(paths: 2);
        using Socket receiver = NamespaceSockets.Bind(network.Namespaces.Client, new IPEndPoint(IPAddress.Parse("10.99.0.2"), 7000));
        using Socket sender = NamespaceSockets.Bind(network.Namespaces.Concentrator, new IPEndPoint(IPAddress.Parse("10.99.0.1"), 0));
        var arrivals = new List<long>(1_000_000);
        bool stop = false;
        var receiving = new Thread(() =>
        {
            byte[] buffer = new byte[64];
            while (!Volatile.Read(ref stop))
            {
                try
                {
                    receiver.Receive(buffer);
                }
                catch (SocketException) when (Volatile.Read(ref stop))
                {
                    return; // The socket was closed at the end.
                }

                lock (arrivals)
                {
                    arrivals.Add(Stopwatch.GetTimestamp());
                }
            }
        });
        var sending = new Thread(() =>
        {
            var to = new IPEndPoint(IPAddress.Parse("10.99.0.2"), 7000);
            while (!Volatile.Read(ref stop))
            {
                sender.SendTo(new byte[64], to);
                Thread.Sleep(1);
            }
        });
        receiving.Start();
        sending.Start();

        Console.WriteLine("\n| cut | silence before it | longest silence after it, ms |\n|---|---|---|");
        var silences = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            await Task.Delay(2000);
            char used = await FindUsedAsync(network);
            using Nonsense? nonsense = forged > 0 ? Forge(network, used, forged) : null;
            long from = Stopwatch.GetTimestamp();
            network.Namespaces.Cut(used);
            await Task.Delay(2000);
            double before, after;
            lock (arrivals)
            {
                before = LongestSilence(arrivals, from - (2 * Stopwatch.Frequency), from);
                after = LongestSilence(arrivals, from, Stopwatch.GetTimestamp());
                arrivals.Clear();
            }

            silences.Add(after);
            Console.WriteLine($"| {used} | {before:f0} | {after:f0} |");
            network.Namespaces.Mend(used);
        }

        Volatile.Write(ref stop, true);
        sending.Join();
        receiving.Join(1000);
        Console.WriteLine($"median {Network.Median(silences):f0} ms, most {silences.Max():f0} ms");
    }

    /// <summary>Sends rubbish with the connection id of the path in use, from the other access network. The attacker has seen one packet of the client.</summary>
    private static Nonsense Forge(Network network, char used, double rate)
    {
        byte[] id = NamespaceSockets.Run(network.Namespaces.Access(used), static () =>
        {
            using var sniffer = new Socket(AddressFamily.Packet, SocketType.Dgram, (ProtocolType)0x0300); // ETH_P_ALL in network order
            byte[] packet = new byte[2000];
            while (true)
            {
                int length = sniffer.Receive(packet);
                int header = (packet[0] & 0xF) * 4;
                if (length > header + 29 && packet[9] == 17 && BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(header + 2)) == 4433 && packet[header + 8] < 0x80)
                {
                    return packet[(header + 9)..(header + 9 + ConnectionId.LocalLength)];
                }
            }
        });
        char other = used == 'a' ? 'b' : 'a';
        return Nonsense.Forged(
            network.Namespaces.Access(other), IPAddress.Parse($"10.202.{(other == 'a' ? 1 : 2)}.1"), new IPEndPoint(IPAddress.Parse(AccessNetworks.ConcentratorAddress), 4433), rate, id);
    }

    private static async Task<char> FindUsedAsync(Network network)
    {
        Dictionary<char, long> before = await SentAsync(network);
        await Task.Delay(300);
        Dictionary<char, long> after = await SentAsync(network);
        return after['a'] - before.GetValueOrDefault('a') >= after['b'] - before.GetValueOrDefault('b') ? 'a' : 'b';
    }

    private static async Task<Dictionary<char, long>> SentAsync(Network network)
    {
        using Process curl = AccessNetworks.Start(network.Namespaces.Client, "curl", "-sS", "http://10.99.0.1/sessions");
        using var sessions = JsonDocument.Parse(await curl.StandardOutput.ReadToEndAsync());
        var sent = new Dictionary<char, long> { ['a'] = 0, ['b'] = 0 };
        foreach (JsonElement path in sessions.RootElement[0].GetProperty("paths").EnumerateArray())
        {
            char network1 = path.GetProperty("from").GetString()!.StartsWith("10.201.1.", StringComparison.Ordinal) ? 'a' : 'b';
            sent[network1] += path.GetProperty("sent").GetInt64();
        }

        return sent;
    }

    private static double LongestSilence(List<long> arrivals, long from, long to)
    {
        long last = from, longest = 0;
        foreach (long at in arrivals.Where(at => at >= from && at <= to))
        {
            longest = Math.Max(longest, at - last);
            last = at;
        }

        return Math.Max(longest, to - last) * 1000.0 / Stopwatch.Frequency;
    }
}
