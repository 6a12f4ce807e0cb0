using System.Diagnostics;
using System.Globalization;
using MtaTls.Benchmarks.Measuring;

namespace MtaTls.Benchmarks.Liveness;

/// <summary>HAProxy as a TCP load balancer for the servers whose health check passes.</summary>
internal sealed class Balancer(string folder, int[] servers) : IDisposable
{
    private Process? _process;

    public int Port { get; } = FreePort.Find();

    /// <exception cref="InvalidOperationException">HAProxy is not installed, or does not start.</exception>
    public void Start()
    {
        string file = Path.Combine(folder, "haproxy.cfg");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            defaults
                mode tcp
                timeout connect 5s
                timeout check 10s
                timeout client 600s
                timeout server 600s
                retries 3
                option redispatch 1
            listen all
                bind 127.0.0.1:{Port}
                balance roundrobin
                option httpchk GET /health
                server a 127.0.0.1:{servers[0]} check check-ssl verify none inter 1s fall 2 rise 1
                server b 127.0.0.1:{servers[1]} check check-ssl verify none inter 1s fall 2 rise 1

            """));
        try
        {
            _process = Process.Start(new ProcessStartInfo("haproxy", ["-db", "-q", "-f", file]))!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException("haproxy is not installed.", e);
        }
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process?.Dispose();
        _process = null;
    }
}
