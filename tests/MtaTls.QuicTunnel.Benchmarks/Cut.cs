using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MtaTls.QuicTunnel.Tests.Namespaces;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>
/// The concentrator sends a packet each millisecond; the path in use is cut without a word. Measured at the client, with the default settings: from the
/// cut to the first packet that comes after it, and the longest silence.
/// </summary>
internal static class Cut
{
    private const int Rounds = 7;

    public static async Task RunAsync()
    {
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
                    return; // Closed at the end.
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
        for (int round = 0; round < Rounds; round++)
        {
            await Task.Delay(2000);
            char used = await FindUsedAsync(network);
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
