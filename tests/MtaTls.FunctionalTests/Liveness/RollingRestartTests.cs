using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using MtaTls.FunctionalTests.Support;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>Two servers behind HAProxy are restarted one after the other under load. No request is lost, and none is executed twice.</summary>
[Collection(SerialCollection.Name)]
public sealed partial class RollingRestartTests : IAsyncDisposable
{
    private const int Workers = 8;
    private readonly int[] _ports = [FreePort.Find(), FreePort.Find()];
    private readonly ConcurrentDictionary<string, int> _executed = new();
    private readonly int[] _done = new int[Workers];
    private RollingServer[] _servers = [];
    private HaProxy? _balancer;

    public async ValueTask DisposeAsync()
    {
        if (_balancer is not null)
        {
            await _balancer.DisposeAsync();
        }

        foreach (RollingServer server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>
    /// POSTs of a client without a retry handler: each is answered and was executed once. HTTP/2 needs no delay. With HTTP/1.1, a server without a delay may close an idle channel at the
    /// moment at which the client begins a request on it, as on any connection.
    /// </summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(2, false)]
    public async Task POSTs_are_neither_lost_nor_executed_twice(int version, bool hasDelay)
    {
        await StartAsync(hasDelay);
        using HttpClient http = new(Handler()) { Timeout = Wait.Timeout, DefaultRequestVersion = new Version(version, version == 1 ? 1 : 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using CancellationTokenSource end = new();
        Task<int>[] load = [.. Enumerable.Range(0, Workers).Select(worker => Task.Run(() => PostAsync(http, worker, end.Token)))];
        await RestartAllAsync(() => MoreFromEveryWorkerAsync(load));
        await end.CancelAsync();
        int sent = (await Task.WhenAll(load).Soon()).Sum();
        Assert.Equal(sent, _executed.Count);
        Assert.All(_executed, static count => Assert.Equal(1, count.Value));
    }

    /// <summary>h2load with a gateway that forwards requests to the servers over channels.</summary>
    [Fact]
    public async Task A_gateway_in_front_answers_every_request_of_h2load()
    {
        await StartAsync(hasDelay: true);
        await using TestApp gateway = await TestApp.StartBareAsync(
            static builder =>
            {
                builder.Services.AddHttpForwarder();
                builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Loopback, 0, static e => e.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2));
                builder.Logging.SetMinimumLevel(LogLevel.Warning);
            },
            app => app.MapForwarder("/{**path}", "https://app.test", ForwarderRequestConfig.Empty, HttpTransformer.Default, new HttpMessageInvoker(Handler())));
        using CancellationTokenSource end = new();
        int runs = 0;
        Task<int> load = Task.Run(async () =>
        {
            int succeeded = 0;
            for (; !end.IsCancellationRequested; runs++)
            {
                succeeded += await H2LoadAsync(gateway, 500);
            }

            return succeeded;
        });
        await RestartAllAsync(async () =>
        {
            int before = runs;
            await Wait.UntilAsync(() => runs >= before + 2 || load.IsCompleted);
        });
        await end.CancelAsync();
        Assert.Equal(await load.Soon(), _executed["h2load"]);
    }

    [GeneratedRegex(@"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout")]
    private static partial Regex Summary();

    private static async Task<int> H2LoadAsync(TestApp gateway, int requests)
    {
        string body = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(body, new string('x', 1000));
            (int exitCode, string output) = await Tool.RunAsync(
                "h2load", "", "-n", requests.ToString(CultureInfo.InvariantCulture), "-c", "4", "-m", "8", "-d", body, string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{gateway.Port}/count/h2load"));
            Match summary = Summary().Match(output);
            Assert.True(exitCode == 0 && summary.Success, output);
            Assert.True(summary.Groups[4].Value == requests.ToString(CultureInfo.InvariantCulture), $"{output}\n{string.Join('\n', gateway.Logs.GetSnapshot().Select(static r => $"{r.Message} {r.Exception}"))}");
            return requests;
        }
        finally
        {
            File.Delete(body);
        }
    }

    private async Task StartAsync(bool hasDelay)
    {
        _servers = [.. _ports.Select(p => new RollingServer(p, hasDelay, _executed))];
        foreach (RollingServer server in _servers)
        {
            await server.StartAsync();
        }

        // A health check may take as long as its interval, which is long enough for a busy machine.
        _balancer = await HaProxy.StartAsync(_ports, check: "check check-ssl verify none inter 10s fastinter 1s fall 2 rise 1");
        await WaitUntilUpAsync();
    }

    private async Task RestartAllAsync(Func<Task> moreLoad)
    {
        await moreLoad();
        for (int i = 0; i < _servers.Length; i++)
        {
            int server = i;
            await _servers[i].StopAsync(async () =>
            {
                // Its health check fails, and new connections use the other server, long before it ends.
                await _balancer!.WaitForAsync(server, "DOWN");
                await moreLoad();
            });
            await moreLoad();
            await _servers[i].StartAsync();
            await WaitUntilUpAsync();
            await moreLoad();
        }
    }

    private async Task WaitUntilUpAsync()
    {
        for (int i = 0; i < _servers.Length; i++)
        {
            await _balancer!.WaitForAsync(i, "UP");
        }
    }

    private async Task<int> PostAsync(HttpClient http, int worker, CancellationToken end)
    {
        for (int number = 0; ; number++)
        {
            if (end.IsCancellationRequested)
            {
                return number;
            }

            string id = string.Create(CultureInfo.InvariantCulture, $"{worker}-{number}");
            using HttpResponseMessage response = await http.PostAsync(new Uri("https://app.test/count/" + id), new ByteArrayContent(new byte[1000]), CancellationToken.None);
            Assert.Equal(id, await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(CancellationToken.None));
            Interlocked.Increment(ref _done[worker]);
        }
    }

    private async Task MoreFromEveryWorkerAsync(Task<int>[] load)
    {
        int[] before = [.. _done];
        await Wait.UntilAsync(() => Enumerable.Range(0, Workers).All(i => Volatile.Read(ref _done[i]) >= before[i] + 20) || load.Any(static l => l.IsCompleted));
    }

    private SocketsHttpHandler Handler() => new SocketsHttpHandler().UseMtaTls(o =>
    {
        (o.Host, o.Port, o.TargetHost) = ("127.0.0.1", _balancer!.Port, "localhost");
        o.CertificateChainPolicy = TestCertificates.TrustRoot();
    });
}
