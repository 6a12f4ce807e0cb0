using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Liveness.Network;

/// <summary>Sessions in networks that lose all packets, drop a connection, or have a dead address. Sockets, routing, filters and NAT are real; intervals are short, and no time is measured.</summary>
[Collection(SerialCollection.Name)]
public sealed class NetworkTests : IDisposable
{
    private readonly TestNetwork _network;

    public NetworkTests()
    {
        TestNetwork.SkipUnlessPossible();
        _network = new TestNetwork();
    }

    public void Dispose() => _network?.Dispose();

    /// <summary>The server finds it by TCP keep-alive, its default, and the client by a ping. With the default <c>Interval</c> and <c>Timeout</c> that takes 25 seconds.</summary>
    [Fact]
    public async Task Both_ends_find_that_all_packets_are_dropped()
    {
        await using NetworkServer server = await NetworkServer.StartAsync(_network, static o => (o.KeepAlive.Interval, o.KeepAlive.Timeout) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)));
        using MetricCollector<long> timeouts = new(server.App.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.keep_alive.timeouts");
        using MetricCollector<long> clients = new(null, "MtaTls.Client", "mtatls.client.keep_alive.timeouts");
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(static o =>
        {
            o.KeepConnected = true;
            o.KeepAlive.Tcp = false;
            (o.KeepAlive.Interval, o.KeepAlive.Timeout) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        }));
        Assert.Equal("hello", await NetworkServer.GetAsync(client));

        _network.Drop();
        await Wait.UntilAsync(() => client.GetStatistics().ActiveSessions == 0);
        await Wait.UntilAsync(() => server.Sessions.Count == 0);
        await Wait.UntilAsync(() => timeouts.GetMeasurementSnapshot().Count >= 1);
        Assert.Equal("tcp", timeouts.LastMeasurement!.Tags["mtatls.keep_alive.method"]);
        await Wait.UntilAsync(() => clients.GetMeasurementSnapshot().Any(static m => (string?)m.Tags["server.address"] == TestNetwork.ServerAddress && (string?)m.Tags["mtatls.keep_alive.method"] == "ping"));

        _network.Mend();
        await Wait.UntilAsync(() => client.GetStatistics().ActiveSessions == 1);
        Assert.Equal("hello", await NetworkServer.GetAsync(client));
    }

    /// <summary>Pings alone, or TCP keep-alive alone, keep a connection in the NAT's table. The NAT drops a session without both meanwhile, which shows that it does drop idle connections.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_idle_kept_session_survives_a_NAT_that_drops_idle_connections(bool pings)
    {
        _network.Translate(seconds: 30);
        await using NetworkServer server = await NetworkServer.StartAsync(_network, static o => o.KeepAlive.Tcp = false);
        await using MtaTlsClient kept = await MtaTlsClient.ConnectAsync(server.Options(o =>
        {
            o.KeepConnected = true;
            (o.KeepAlive.Ping, o.KeepAlive.Tcp) = (pings, !pings);
            o.KeepAlive.Interval = TimeSpan.FromSeconds(1);
            o.KeepAlive.Timeout = TimeSpan.FromMinutes(1);
        }));
        await Wait.UntilAsync(() => server.Sessions.Count == 1);
        IMtaTlsSessionFeature session = server.Sessions[0];
        await using MtaTlsClient idle = await MtaTlsClient.ConnectAsync(server.Options(static o =>
        {
            o.KeepConnected = true;
            o.KeepAlive.Tcp = o.KeepAlive.Ping = false;
        }));
        await Wait.UntilAsync(() => server.Sessions.Count == 2);
        IMtaTlsSessionFeature forgotten = server.Sessions.Single(s => s.SessionId != session.SessionId);
        await Wait.UntilAsync(() => _network.Translations == 2);
        await Wait.UntilAsync(() => _network.Translations == 1);
        await NetworkServer.CallClientAsync(session);
        Assert.Equal(1, kept.GetStatistics().Handshakes);

        // Packets of the server to the other client are dropped.
        ((MtaTls.AspNetCore.Connections.MtaTlsServerSession)forgotten).Session.KeepAlivePolicy = MtaTlsKeepAlivePolicy.Always;
        ((MtaTls.AspNetCore.Connections.MtaTlsServerSession)forgotten).Session.Probe(TimeSpan.FromSeconds(2));
        await Wait.UntilAsync(() => server.Sessions.Count == 1);
        Assert.Equal(session.SessionId, server.Sessions[0].SessionId);
    }

    [Fact]
    public async Task A_kept_session_that_the_NAT_has_dropped_is_replaced()
    {
        _network.Translate(seconds: 600);
        await using NetworkServer server = await NetworkServer.StartAsync(_network);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(static o =>
        {
            o.KeepConnected = true;
            (o.KeepAlive.Interval, o.KeepAlive.Timeout) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        }));
        await Wait.UntilAsync(() => server.Sessions.Count == 1);
        string lost = server.Sessions[0].SessionId;
        _network.ForgetTranslations();
        await Wait.UntilAsync(() => client.GetStatistics().Handshakes >= 2 && server.Sessions.Any(s => s.SessionId != lost));
        await NetworkServer.CallClientAsync(server.Sessions.First(s => s.SessionId != lost));
    }

    /// <summary>The client tries the second address while the first has not answered. There is no timeout for the first, so only that can connect.</summary>
    [Fact]
    public async Task One_dead_endpoint_of_two_does_not_delay_the_other()
    {
        _network.DropTo("10.210.2.9");
        await using NetworkServer server = await NetworkServer.StartAsync(_network);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(static o =>
        {
            o.ConnectTimeout = Timeout.InfiniteTimeSpan;
            o.Host = null;
            o.Endpoints = ["10.210.2.9:8443", $"{TestNetwork.ServerAddress}:8443"];
        })).Soon();
        Assert.True(_network.HasDropped);
        Assert.Equal("hello", await NetworkServer.GetAsync(client));
    }

    /// <summary>The sample's client with its defaults, which time out after 15 seconds. The kernel alone would try the dead address for more than two minutes.</summary>
    [Fact]
    public async Task A_name_with_a_dead_and_a_live_address_is_reached()
    {
        _network.DropTo("10.210.2.9");
        _network.WriteHosts($"10.210.2.9 mixed.test\n{TestNetwork.ServerAddress} mixed.test\n");
        await using NetworkServer server = await NetworkServer.StartAsync(_network);
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        string root = output.FullName;
        while (!File.Exists(Path.Combine(root, "MtaTls.AspNetCore.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        string sample = Path.Combine(root, "samples", "Client", "bin", output.Parent!.Name, output.Name, "Client.dll");
        (int exitCode, string text) = await _network.RunInClientAsync("dotnet", sample, "mixed.test", "8443", "/", "1", "--insecure");
        Assert.True(exitCode == 0, text);
        Assert.StartsWith("hello", text, StringComparison.Ordinal);
        Assert.True(_network.HasDropped);
    }

    /// <summary>During the suspend the NAT drops the connection and the server ends the session. Only the wall clock shows that time has passed, because the interval of pings is hours.</summary>
    [Fact]
    public async Task After_a_suspend_a_kept_session_works_again()
    {
        _network.Translate(seconds: 600);
        await using NetworkServer server = await NetworkServer.StartAsync(_network);
        SuspendableTime time = new();
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(o =>
        {
            o.TimeProvider = time;
            o.KeepConnected = true;
            o.KeepAlive.Tcp = false;
            o.KeepAlive.Interval = TimeSpan.FromHours(10);
        }));
        await Wait.UntilAsync(() => server.Sessions.Count == 1);

        // The server ends the session, and the client does not notice it.
        _network.ForgetTranslations();
        string lost = server.Sessions[0].SessionId;
        Assert.True(server.App.Services.GetRequiredService<IMtaTlsSessions>().Abort(lost));
        await Wait.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Equal(1, client.GetStatistics().ActiveSessions);

        time.Suspend(TimeSpan.FromMinutes(5));
        await Wait.UntilAsync(() => client.GetStatistics().Handshakes == 2);
        await Wait.UntilAsync(() => server.Sessions.Count == 1);
        await NetworkServer.CallClientAsync(server.Sessions[0]);
    }

    /// <summary>The system's clock with a wall clock that can jump, as after a suspend.</summary>
    private sealed class SuspendableTime : TimeProvider
    {
        private long _suspended;

        public void Suspend(TimeSpan duration) => Interlocked.Add(ref _suspended, duration.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _suspended));
    }
}
