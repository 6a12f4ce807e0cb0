using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Support;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>
/// Client and concentrator run as separate processes (the sample), with TUN devices, access networks in namespaces between them, and the kernel's TCP at both ends.
/// </summary>
[Collection("network namespaces")]
public sealed class NamespaceTests : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(2);
    private static readonly string? s_whyNot = QuicEngine.UnsupportedReason ?? AccessNetworks.WhyNot();
    private static int s_count;
    private readonly AccessNetworks? _networks;
    private readonly TunnelProcesses? _tunnel;

    public NamespaceTests()
    {
        if (s_whyNot is not null)
        {
            return;
        }

        _networks = new AccessNetworks($"{Environment.ProcessId % 100_000}-{Interlocked.Increment(ref s_count)}");
        _tunnel = new TunnelProcesses(_networks);
    }

    private AccessNetworks Networks => _networks!;

    private TunnelProcesses Tunnel => _tunnel!;

    public void Dispose()
    {
        _tunnel?.Dispose();
        _networks?.Dispose();
    }

    [Fact]
    public async Task Ping_reaches_the_concentrator_over_IPv4_and_IPv6()
    {
        await StartAsync();
        foreach (string address in new[] { "10.99.0.1", "fd99::1" })
        {
            (int code, string? output) = await RunAsync("ping", "-c", "3", "-i", "0.2", "-W", "10", address);
            Assert.True(code == 0, output);
            // The concentrator is the next hop, so the TTL is not decremented.
            Assert.Contains("ttl=64", output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_download_of_100_MB_is_complete(int paths)
    {
        await StartAsync(paths);
        using var download = new Download(this, 100_000_000);
        await download.AssertWholeAsync();
    }

    [Fact]
    public async Task A_download_survives_the_failure_of_an_access_network()
    {
        Start();
        Networks.Shape('a', 100);
        Networks.Shape('b', 100);
        await StartAsync();
        using var download = new Download(this, 60_000_000);
        await download.UntilAsync(15_000_000);
        Networks.Cut('a');
        await download.AssertWholeAsync();
        Assert.Contains(Tunnel.Output, line => line.Contains("does not answer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_download_survives_the_failure_of_both_access_networks_one_after_the_other()
    {
        Start();
        Networks.Shape('a', 100);
        Networks.Shape('b', 100);
        await StartAsync();
        using var download = new Download(this, 60_000_000);
        await download.UntilAsync(15_000_000);
        Networks.Cut('a');
        // When the client notices the failure depends on the host, so wait for it before the network is repaired.
        await Tunnel.WaitForAsync("is not available");
        await download.UntilAsync(30_000_000);
        Networks.Mend('a');
        await Tunnel.WaitForAsync("is available again");
        Networks.Cut('b');
        await download.AssertWholeAsync();
    }

    [Fact]
    public async Task A_download_survives_the_client_roaming_to_another_address()
    {
        Start();
        Networks.Shape('a', 100);
        await Tunnel.StartConcentratorAsync();
        await Tunnel.StartClientAsync("--QuicTunnelClient:LocalAddresses:0", "a0", "--QuicTunnelClient:LocalAddresses:1", "a0x", "--QuicTunnelClient:Reconnect:InitialDelay", "00:00:00.1");
        using var download = new Download(this, 40_000_000);
        await download.UntilAsync(10_000_000);
        Networks.Roam('a', "10.201.1.77");
        await download.AssertWholeAsync();
        Assert.Contains(Tunnel.Output, line => line.Contains("migrates from 10.201.1.2 to 10.201.1.77", StringComparison.Ordinal));
    }

    /// <summary>An access network switches to PPPoE or LTE: large packets are dropped silently, or the router reports it with ICMP. Small packets pass.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_download_survives_a_smaller_path_MTU(bool withIcmp)
    {
        Start();
        var concentrator = new IPEndPoint(IPAddress.Parse(AccessNetworks.ConcentratorAddress), 4433);
        var front = new IPEndPoint(IPAddress.Parse("10.200.0.9"), 4433);
        AccessNetworks.Start(Networks.Access('a'), "ip", "address", "add", "10.200.0.9/32", "dev", "lo").WaitForExit();
        using var relay = new LossyRelay(Networks.Access('a'), front, concentrator, 0, seed: 1);
        await StartAsync(1, withIcmp ? [] : ["--QuicTunnelClient:Host", front.Address.ToString()]);
        using var download = new Download(this, 100_000_000);
        await download.UntilAsync(5_000_000);
        if (withIcmp)
        {
            Networks.Narrow('a', 1300);
        }
        else
        {
            relay.Mtu = 1300 - 28;
        }

        await download.AssertWholeAsync();
        Assert.True(withIcmp || relay.Lost > 0);
        // The hosts inside learn the new MTU, at this end after a few losses: a packet of the device's MTU is answered with ICMP.
        (int code, string output) = await RunAsync("ping", "-c", "40", "-i", "0.1", "-M", "do", "-s", "1252", "-W", "2", "10.99.0.1");
        Assert.True(code != 0, output);
        Assert.Contains("mtu", output, StringComparison.OrdinalIgnoreCase);
        (code, output) = await RunAsync("ping", "-c", "1", "-W", "10", "10.99.0.1");
        Assert.True(code == 0, output);
        (code, output) = await RunAsync("ping", "-c", "1", "-W", "2", "fd99::1");
        Assert.True(code != 0, output);
        Assert.Contains("unreachable", output, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Takes a minute with <c>MTATLS_LONG_TESTS=1</c>; without it, one download of 25 MB.</summary>
    [Fact]
    public async Task Loss_on_both_paths_stalls_nothing()
    {
        Start();
        bool isLong = Environment.GetEnvironmentVariable("MTATLS_LONG_TESTS") == "1";
        var concentrator = new IPEndPoint(IPAddress.Parse(AccessNetworks.ConcentratorAddress), 4433);
        var relay = new IPEndPoint(IPAddress.Parse("10.200.0.9"), 4433);
        foreach (char network in "ab")
        {
            AccessNetworks.Start(Networks.Access(network), "ip", "address", "add", "10.200.0.9/32", "dev", "lo").WaitForExit();
        }

        using var first = new LossyRelay(Networks.Access('a'), relay, concentrator, 0.03, seed: 1);
        using var second = new LossyRelay(Networks.Access('b'), relay, concentrator, 0.03, seed: 3);
        await StartAsync(2, "--QuicTunnelClient:Host", relay.Address.ToString(), "--QuicTunnelClient:Port", $"{relay.Port}");
        var watch = Stopwatch.StartNew();
        do
        {
            using var download = new Download(this, 25_000_000);
            await download.AssertWholeAsync();
        }
        while (isLong && watch.Elapsed < TimeSpan.FromSeconds(60));
        Assert.True(first.Lost > 0 && second.Lost > 0, "No packet was lost.");
    }

    private static void Start() => Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");

    private async Task StartAsync(int paths = 2, params string[] settings)
    {
        Start();
        await Tunnel.StartConcentratorAsync();
        await Tunnel.StartClientAsync(paths == 1 ? ["--QuicTunnelClient:LocalAddresses:1", "10.201.9.9", .. settings] : settings);
        await Tunnel.WaitForAsync("is connected from", paths);
    }

    private async Task<(int Code, string Output)> RunAsync(string program, params string[] arguments)
    {
        using Process process = AccessNetworks.Start(Networks.Client, program, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(s_timeout);
        return (process.ExitCode, await output + await error);
    }

    /// <summary>A download with curl, over one TCP connection, from Kestrel on the tunnel address.</summary>
    private sealed class Download : IDisposable
    {
        private readonly NamespaceTests _test;
        private readonly long _size;
        private readonly string _file = Path.GetTempFileName();
        private readonly Process _curl;

        public Download(NamespaceTests test, long size)
        {
            _test = test;
            _size = size;
            _curl = AccessNetworks.Start(test.Networks.Client, "curl", "-sS", "--fail", "-o", _file, $"http://10.99.0.1/bytes/{size}");
        }

        private long Received => new FileInfo(_file).Length;

        public Task UntilAsync(long octets) => Wait.UntilAsync(() => Received >= octets || _curl.HasExited, "The download makes no progress.", s_timeout);

        public async Task AssertWholeAsync()
        {
            var end = Stopwatch.StartNew();
            var pause = Stopwatch.StartNew();
            for (long before = 0L; !_curl.HasExited;)
            {
                await Task.WhenAny(_curl.WaitForExitAsync(), Task.Delay(100));
                long now = Received;
                if (now != before)
                {
                    pause.Restart();
                }

                before = now;
                Assert.True(pause.Elapsed < s_timeout && end.Elapsed < s_timeout * 2, $"stalled at {now}:\n{Said}");
            }

            Assert.True(_curl.ExitCode == 0, $"{await _curl.StandardError.ReadToEndAsync()}\n{Said}");
            await using FileStream content = File.OpenRead(_file);
            Assert.Equal(_size, content.Length);
            Assert.Equal(SampleData.Hash(_size), Convert.ToHexStringLower(await SHA256.HashDataAsync(content)));
        }

        public void Dispose()
        {
            if (!_curl.HasExited)
            {
                _curl.Kill();
            }

            _curl.Dispose();
            File.Delete(_file);
        }

        private string Said => string.Join('\n', _test.Tunnel.Output);
    }
}
