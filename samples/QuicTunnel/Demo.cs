using System.Diagnostics;
using MtaTls.QuicTunnel;

namespace QuicTunnelSample;

/// <summary>Shows a download that survives the failure of an access network, on one host.</summary>
internal static class Demo
{
    private const int Megabytes = 100;
    private const int Megabits = 100;

    public static async Task<int> RunAsync()
    {
        if (AccessNetworks.WhyNot() is { } reason)
        {
            Console.Error.WriteLine($"The demonstration creates network namespaces, but {reason}.");
            return 1;
        }

        Console.WriteLine(
            """

                              .--- access network A, 100 Mbit/s ---.
                   client ----+                                    +---- concentrator, Kestrel on http://10.99.0.1/
                10.99.0.2     '--- access network B, 100 Mbit/s ---'

            """);
        using var networks = new AccessNetworks($"{Environment.ProcessId}");
        networks.Shape('a', Megabits);
        networks.Shape('b', Megabits);
        using var tunnel = new TunnelProcesses(networks);
        tunnel.Said += line =>
        {
            // Skip the host's "Content root path", which is not a path of the tunnel.
            if (line.Contains("Content root", StringComparison.Ordinal))
            {
                return;
            }

            if (line.Contains("Session", StringComparison.Ordinal) || line.Contains("is connected", StringComparison.Ordinal) || line.Contains("path", StringComparison.Ordinal))
            {
                Console.WriteLine($"      {line.Trim()}");
            }
        };
        await tunnel.StartConcentratorAsync();
        await tunnel.StartClientAsync();
        await tunnel.WaitForAsync("is connected from", 2);
        return await DownloadAsync(networks);
    }

    private static async Task<int> DownloadAsync(AccessNetworks networks)
    {
        const long Size = Megabytes * 1_000_000L;
        string file = Path.GetTempFileName();
        try
        {
            Console.WriteLine($"   $ curl http://10.99.0.1/bytes/{Size}    # one TCP connection");
            var watch = Stopwatch.StartNew();
            using Process curl = AccessNetworks.Start(networks.Client, "curl", "-sS", "--fail", "-o", file, $"http://10.99.0.1/bytes/{Size}");
            bool cut = false;
            long before = 0;
            while (!curl.HasExited)
            {
                await Task.Delay(500);
                long now = new FileInfo(file).Length;
                Console.WriteLine($"   {watch.Elapsed.TotalSeconds,5:f1} s {now / 1_000_000,4} MB {(now - before) * 16 / 1_000_000.0,6:f0} Mbit/s");
                before = now;
                if (!cut && now > Size / 3)
                {
                    cut = true;
                    networks.Cut('a');
                    Console.WriteLine("   ##### access network A is cut #####");
                }
            }

            Console.Write(await curl.StandardError.ReadToEndAsync());
            await using FileStream content = File.OpenRead(file);
            string hash = Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(content));
            bool same = hash == SampleData.Hash(Size);
            Console.WriteLine($"   {content.Length} bytes in {watch.Elapsed.TotalSeconds:f1} s, SHA-256 {hash[..16]}... is {(same ? "right" : "WRONG")}.");
            return same && cut && curl.ExitCode == 0 ? 0 : 1;
        }
        finally
        {
            File.Delete(file);
        }
    }
}
