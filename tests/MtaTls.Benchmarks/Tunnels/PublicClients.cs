using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MtaTls.Benchmarks.Tunnels;

/// <summary>The workloads of public clients, the same for all contenders: HTTP/1.1 as bytes on separate connections.</summary>
internal static class PublicClients
{
    /// <summary>Downloads this many bytes over each connection.</summary>
    /// <returns>MiB a second of all connections together.</returns>
    public static async Task<double> DownloadAsync(ITunnel tunnel, int connections, long bytes, CancellationToken ct)
    {
        long begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () => await RequestAsync(tunnel, $"/bytes/{bytes}", bytes, ct), ct)));
        return connections * bytes / Stopwatch.GetElapsedTime(begin).TotalSeconds / (1 << 20);
    }

    /// <summary>Repeatedly connects, requests a small response, reads it and closes, with this many at a time.</summary>
    /// <returns>The sorted times in milliseconds, and the rate per second.</returns>
    public static async Task<(double[] Times, double Rate)> OpenAsync(ITunnel tunnel, int atATime, TimeSpan duration, CancellationToken ct)
    {
        long begin = Stopwatch.GetTimestamp();
        List<double>[] times = await Task.WhenAll(Enumerable.Range(0, atATime).Select(_ => Task.Run(async () =>
        {
            List<double> own = [];
            while (Stopwatch.GetElapsedTime(begin) < duration)
            {
                long asked = Stopwatch.GetTimestamp();
                await RequestAsync(tunnel, "/", 1, ct);
                own.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            }

            return own;
        }, ct)));
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        double[] all = [.. times.SelectMany(static t => t).Order()];
        return (all, all.Length / seconds);
    }

    /// <summary>Waits until requests are answered with 200.</summary>
    public static async Task ReadyAsync(ITunnel tunnel, CancellationToken ct)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await RequestAsync(tunnel, "/", 1, ct);
                return;
            }
            catch (Exception e) when (e is IOException or SocketException && attempt < 500)
            {
                await Task.Delay(20, ct);
            }
        }
    }

    private static async Task RequestAsync(ITunnel tunnel, string path, long leastLength, CancellationToken ct)
    {
        await using Stream stream = await tunnel.OpenAsync(ct);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {tunnel.Host}\r\nConnection: close\r\n\r\n"), ct);
        byte[] buffer = new byte[leastLength > 1 << 16 ? 1 << 18 : 1 << 12];
        long total = 0;
        string? status = null;
        int received;
        while ((received = await stream.ReadAsync(buffer, ct)) > 0)
        {
            status ??= Encoding.ASCII.GetString(buffer, 0, Math.Min(received, 12));
            total += received;
        }

        if (status != "HTTP/1.1 200" || total < leastLength)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{tunnel.Title} answered '{status}' and {total} bytes to {path}."));
        }
    }
}
