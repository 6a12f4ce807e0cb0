using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MtaTls.Tests.Network;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>
/// A client with two access networks for a long time, with little traffic: one TCP connection, and a numbered packet every 20 ms. Meanwhile its networks go down and lose packets, its addresses change, its NAT
/// forgets ports, and somebody floods the concentrator. One network always works, so nothing has to be lost.
/// </summary>
internal static class Soak
{
    private const int Port = 7001;
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(20);
    private static readonly string[] s_faults = ["down", "flapping", "loss", "roaming", "new port", "flood"];
    private static readonly TimeSpan s_report = TimeSpan.FromMinutes(10);

    /// <summary>soak [minutes=30] [faults="new port on b,down on a"] [setting=...]: the faults in turn; without them, random ones.</summary>
    public static async Task RunAsync(string[] arguments)
    {
        string[]? inTurn = Speed.Value(arguments, "faults")?.Split(',');
        double minutes = double.Parse(Speed.Value(arguments, "minutes") ?? "30", CultureInfo.InvariantCulture);
        await using Lab lab = await Lab.StartAsync(
            [LabLink.Parse("20/10"), LabLink.Parse("10/30")], Speed.Settings(arguments), ["--QuicTunnelClient:LocalAddresses:0", "a0", "--QuicTunnelClient:LocalAddresses:1", "b0"]);
        using Process download = AccessNetworks.Start(
            lab.Networks.Client, "curl", "-sS", "--fail", "-o", "/dev/null", "--limit-rate", "100k", "-w", "%{size_download}", $"http://10.99.0.1/bytes/{(long)(minutes * 60 * 100_000)}");
        using var probes = new Probes(lab.Networks);
        var watch = Stopwatch.StartNew();
        var random = new Random(1);
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        int[] last = [2, 2];
        double memoryBefore = 0;
        List<Disturbance> disturbances = [];
        TimeSpan reported = TimeSpan.Zero;
        while (watch.Elapsed.TotalMinutes < minutes && !download.HasExited)
        {
            string fault = inTurn is null ? $"{s_faults[random.Next(s_faults.Length)]} on {"ab"[random.Next(2)]}" : inTurn[disturbances.Count % inTurn.Length];
            (string what, int link) = (fault[..fault.IndexOf(" on ", StringComparison.Ordinal)], fault[^1] - 'a');
            counts[what] = counts.GetValueOrDefault(what) + 1;
            long begin = Stopwatch.GetTimestamp();
            await DisturbAsync(lab, what, link, last, random);
            disturbances.Add(new Disturbance(fault, begin, Stopwatch.GetTimestamp()));
            if (watch.Elapsed - reported > s_report)
            {
                reported = watch.Elapsed;
                Console.WriteLine($"{reported.TotalMinutes:f0} min: {disturbances.Count} faults, {probes.CountMissing():n0} packets missing, {Memory(lab):f0} MB");
            }

            await Task.Delay(TimeSpan.FromSeconds(6)); // Until the network is used again, so that the next fault does not take the last one.
            if (memoryBefore == 0 && watch.Elapsed.TotalMinutes > Math.Min(5, minutes / 4))
            {
                memoryBefore = Memory(lab);
            }
        }

        double memory = Memory(lab);
        (long sent, long lost, long doubled, double longest) = probes.Finish();
        bool isWhole = download.WaitForExit(TimeSpan.FromMinutes(3)) && download.ExitCode == 0;
        Console.WriteLine($"\n{watch.Elapsed.TotalMinutes:f0} min; {string.Join(", ", counts.Select(static one => $"{one.Value} x {one.Key}"))}");
        Console.WriteLine($"packets sent {sent:n0}, lost {lost:n0}, delivered twice {doubled:n0}, longest silence {longest * 1000:f0} ms");
        foreach (IGrouping<int, long> lostDuring in probes.Missing().GroupBy(at => disturbances.FindLastIndex(one => one.Begin <= at)).Take(40))
        {
            Console.WriteLine($"  lost {lostDuring.Count()}: {Describe(disturbances, lostDuring.Key, lostDuring.Min(), lostDuring.Max())}");
        }

        Console.WriteLine($"the TCP connection {(isWhole ? "delivered everything" : $"failed: {await download.StandardError.ReadToEndAsync()}")}");
        Console.WriteLine($"resident memory of both ends: {memoryBefore:f0} MB after some minutes, {memory:f0} MB at the end");
        string[] output = [.. lab.Tunnel.Output];
        Console.WriteLine($"sessions opened {output.Count(static line => line.Contains("was opened from", StringComparison.Ordinal))}, lines of errors {output.Count(static line => line.StartsWith("fail:", StringComparison.Ordinal))}");
        foreach (string line in output.SkipWhile(static line => !line.StartsWith("fail:", StringComparison.Ordinal)).Take(10))
        {
            Console.WriteLine(line);
        }
    }

    private static async Task DisturbAsync(Lab lab, string what, int link, int[] last, Random random)
    {
        switch (what)
        {
            case "down":
                lab.Tell(link, "down");
                await Task.Delay(random.Next(200, 20_000));
                lab.Tell(link, "up");
                break;
            case "flapping":
                for (int i = 0; i < 3; i++)
                {
                    lab.Tell(link, "down");
                    await Task.Delay(2000);
                    lab.Tell(link, "up");
                    await Task.Delay(2000);
                }

                break;
            case "loss":
                lab.Tell(link, $"loss {random.Next(1, 30)}");
                await Task.Delay(5000);
                lab.Tell(link, "loss 0");
                break;
            case "roaming":
                string device = link == 0 ? "a0" : "b0";
                string before = $"10.201.{link + 1}.{last[link]}/24";
                last[link] = 2 + ((last[link] - 1) % 50);
                await IpAsync(lab, $"address add 10.201.{link + 1}.{last[link]}/24 dev {device}");
                await IpAsync(lab, $"address delete {before} dev {device}");
                await IpAsync(lab, $"address add 10.201.{link + 1}.{last[link]}/24 dev {device}"); // As a secondary address it went with the former one.
                await IpAsync(lab, $"route replace default via 10.201.{link + 1}.1 dev {device} metric {101 + link}");
                break;
            case "new port":
                lab.Tell(link, $"nat {random.Next(1, 60_000)}");
                break;
            case "flood":
                using (Nonsense.Initials(lab.Networks.Concentrator, IPAddress.Parse("10.201.1.1"), new IPEndPoint(IPAddress.Parse(AccessNetworks.ConcentratorAddress), 4433), 5000))
                {
                    await Task.Delay(4000);
                }

                break;
        }
    }

    private static async Task IpAsync(Lab lab, string arguments)
    {
        using Process ip = AccessNetworks.Start(lab.Networks.Client, "ip", arguments.Split(' '));
        await ip.WaitForExitAsync();
    }

    private static double Memory(Lab lab) => lab.Tunnel.Processes.Sum(static process =>
    {
        process.Refresh();
        return process.WorkingSet64 / 1e6;
    });

    private static string Describe(List<Disturbance> disturbances, int index, long from, long to)
    {
        if (index < 0)
        {
            return "before the first fault";
        }

        Disturbance one = disturbances[index];
        string before = index == 0 ? "" : $", after {disturbances[index - 1].What}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{one.What} for {Stopwatch.GetElapsedTime(one.Begin, one.End).TotalSeconds:f1} s{before}: {Stopwatch.GetElapsedTime(one.Begin, from).TotalSeconds:f1} to {Stopwatch.GetElapsedTime(one.Begin, to).TotalSeconds:f1} s after its begin");
    }

    /// <summary>A fault and the timestamps of its begin and end.</summary>
    private sealed record Disturbance(string What, long Begin, long End);

    /// <summary>Numbered packets from the concentrator to the client.</summary>
    private sealed class Probes : IDisposable
    {
        private readonly Socket _receiver;
        private readonly Socket _sender;
        private readonly Thread _sending, _receiving;
        private readonly Lock _lock = new();

        // Guarded by _lock: the timestamps of all packets sent, and how often each was received.
        private readonly List<long> _times = [];
        private readonly List<byte> _received = [];
        private volatile bool _stops, _ended;
        private long _sent, _lastAt;
        private double _longest;

        public Probes(AccessNetworks networks)
        {
            _receiver = NamespaceSockets.Bind(networks.Client, new IPEndPoint(IPAddress.Parse("10.99.0.2"), Port));
            _receiver.ReceiveTimeout = 500;
            _sender = NamespaceSockets.Bind(networks.Concentrator, new IPEndPoint(IPAddress.Parse("10.99.0.1"), 0));
            (_sending, _receiving) = (new Thread(Send), new Thread(Receive));
            _receiving.Start();
            _sending.Start();
        }

        public (long Sent, long Lost, long Doubled, double Longest) Finish()
        {
            _stops = true;
            _sending.Join();
            Thread.Sleep(2000);
            _ended = true;
            _receiving.Join();
            return (_sent, Missing().Count, _received.Count(static count => count > 1), _longest);
        }

        /// <summary>The timestamps of packets that were sent and not received.</summary>
        public List<long> Missing()
        {
            lock (_lock)
            {
                return [.. _times.Where((_, number) => number >= _received.Count || _received[number] == 0)];
            }
        }

        /// <summary>The number of packets older than five seconds that were not received.</summary>
        public int CountMissing()
        {
            long now = Stopwatch.GetTimestamp();
            return Missing().Count(at => Stopwatch.GetElapsedTime(at, now) > TimeSpan.FromSeconds(5));
        }

        public void Dispose()
        {
            (_stops, _ended) = (true, true);
            _sending.Join();
            _receiving.Join();
            _receiver.Dispose();
            _sender.Dispose();
        }

        private void Send()
        {
            byte[] packet = new byte[200];
            var to = new IPEndPoint(IPAddress.Parse("10.99.0.2"), Port);
            while (!_stops)
            {
                BinaryPrimitives.WriteInt64LittleEndian(packet, _sent++);
                lock (_lock)
                {
                    _times.Add(Stopwatch.GetTimestamp());
                }

                _sender.SendTo(packet, to);
                Thread.Sleep(s_between);
            }
        }

        private void Receive()
        {
            byte[] packet = new byte[300];
            while (!_ended)
            {
                try
                {
                    _receiver.Receive(packet);
                }
                catch (SocketException)
                {
                    continue; // Nothing for half a second.
                }

                long now = Stopwatch.GetTimestamp();
                _longest = _lastAt == 0 || _stops ? _longest : Math.Max(_longest, Stopwatch.GetElapsedTime(_lastAt, now).TotalSeconds);
                _lastAt = now;
                int number = (int)BinaryPrimitives.ReadInt64LittleEndian(packet);
                lock (_lock)
                {
                    while (_received.Count <= number)
                    {
                        _received.Add(0);
                    }

                    _received[number]++;
                }
            }
        }
    }
}
