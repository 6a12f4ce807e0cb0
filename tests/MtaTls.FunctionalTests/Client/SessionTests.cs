using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Client;

/// <summary>The number of sessions, and when they begin and end.</summary>
public sealed class SessionTests
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_channel_is_a_stream_and_a_pair_of_pipes()
    {
        await using PeerServer server = await PeerServer.StartAsync(PeerServer.Echo);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options());
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("inner.test", 7);
        Assert.True(channel.IsMultiplexed);
        Assert.Equal(new ChannelAddress("inner.test", 7), channel.Destination);
        await channel.WriteAsync("by stream "u8.ToArray());
        byte[] buffer = new byte[100];
        await channel.ReadExactlyAsync(buffer.AsMemory(0, 10)).AsTask().WaitAsync(s_hang);
        Assert.Equal("by stream ", Encoding.ASCII.GetString(buffer, 0, 10));
        // A read with an empty buffer waits for data and reads none.
        ValueTask<int> ready = channel.ReadAsync(Memory<byte>.Empty);
        Assert.False(ready.IsCompleted);
        await channel.Output.WriteAsync("by pipe"u8.ToArray());
        Assert.Equal(0, await ready.AsTask().WaitAsync(s_hang));
        System.IO.Pipelines.ReadResult result = await channel.Input.ReadAtLeastAsync(7).AsTask().WaitAsync(s_hang);
        Assert.Equal("by pipe", Encoding.ASCII.GetString(result.Buffer));
        channel.Input.AdvanceTo(result.Buffer.End);
        Assert.Equal(17, channel.BytesReceived);
        Assert.Equal(17, channel.BytesSent);
    }

    [Fact]
    public async Task When_a_session_is_full_by_the_clients_limit_another_is_opened_up_to_MaxSessions()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using PeerServer server = await PeerServer.StartAsync(PeerServer.Echo);
        MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(o =>
        {
            o.Limits.MaxChannelsPerSession = 10;
            o.MaxSessions = 2;
            // ConnectTimeout ends the wait of a channel without room. By the clock of the test, because the second session's handshake needs it too.
            (o.ConnectTimeout, o.TimeProvider) = (TimeSpan.FromSeconds(15), time);
            o.ShutdownTimeout = TimeSpan.FromMilliseconds(100);
        }));
        var channels = new List<MtaTlsClientChannel>();
        for (int i = 1; i <= 20; i++)
        {
            channels.Add(await client.OpenChannelAsync("inner.test", 7));
            Assert.Equal(i <= 10 ? 1 : 2, client.GetStatistics().ActiveSessions);
        }
        Task<MtaTlsClientChannel> more = client.OpenChannelAsync("inner.test", 7).AsTask();
        await AdvanceUntilAsync(more);
        MtaTlsChannelRefusedException full = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => more);
        Assert.Contains("MaxSessions", full.Message, StringComparison.Ordinal);
        Task<MtaTlsClientChannel> waiting = client.OpenChannelAsync("inner.test", 7).AsTask();
        await channels[0].DisposeAsync();
        await using MtaTlsClientChannel again = await waiting.Soon();
        Assert.Equal(2, client.GetStatistics().Handshakes);
        await AdvanceUntilAsync(client.DisposeAsync().AsTask());

        Task AdvanceUntilAsync(Task task) => Wait.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return task.IsCompleted;
        });
    }

    [Fact]
    public async Task When_the_server_refuses_because_a_session_is_full_another_is_opened_and_the_first_is_not_tried_again()
    {
        await using GatewayApp app = await GatewayApp.StartAsync(o => o.Limits.MaxChannelsPerSession = 10);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(app.Options(o => o.ShutdownTimeout = TimeSpan.FromMilliseconds(100)));
        var channels = new List<MtaTlsClientChannel>();
        for (int i = 0; i < 15; i++)
        {
            channels.Add(await client.OpenChannelAsync("localhost", app.Port));
        }

        Assert.Equal(2, app.Connections);
        Assert.Equal(0, client.GetStatistics().ChannelsRefused);
        Assert.Equal(15, client.GetStatistics().ActiveChannels);
    }

    [Fact]
    public async Task Concurrent_opens_share_one_attempt_to_connect()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        HttpClient[] clients = [.. Enumerable.Range(0, 20).Select(_ => new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options(o => o.CertificateChainPolicy = s_trust))) { Timeout = s_hang })];
        await Task.WhenAll(clients.Select(c => c.GetStringAsync(app.Uri())));
        Assert.Equal(1, app.Connections);
    }

    [Fact]
    public async Task After_a_session_is_lost_requests_use_a_new_one()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        await using MtaTlsClient session = await MtaTlsClient.ConnectAsync(app.Options());
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(session)) { Timeout = s_hang };
        for (int i = 0; i < 5; i++)
        {
            // The handler's pool still contains a connection of the lost session; the handler finds it closed and creates another.
            Assert.Equal("HTTP/1.1 https localhost", await http.GetStringAsync(app.Uri()));
            app.DropConnections();
            await Wait.UntilAsync(() => session.GetStatistics().ActiveSessions == 0);
        }
        Assert.Equal(6, app.Connections);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_is_lost_is_a_warning_only_where_a_channel_was_open(bool isOpen)
    {
        using FakeLoggerProvider logs = new();
        using var loggers = new LoggerFactory([logs], new LoggerFilterOptions { MinLevel = LogLevel.Debug });
        await using GatewayApp app = await GatewayApp.StartAsync();
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(app.Options(o => o.LoggerFactory = loggers));
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("inner.test", 443);
        if (!isOpen)
        {
            await channel.DisposeAsync();
            await Wait.UntilAsync(() => client.GetStatistics().ActiveChannels == 0);
        }

        app.DropConnections();
        await Wait.UntilAsync(() => logs.Collector.GetSnapshot().Any(r => r.Id.Name is "SessionFailed" or "SessionLost"));
        FakeLogRecord record = logs.Collector.GetSnapshot().Single(r => r.Id.Name is "SessionFailed" or "SessionLost");
        Assert.Equal(isOpen ? ("SessionFailed", LogLevel.Warning) : ("SessionLost", LogLevel.Debug), (record.Id.Name, record.Level));
    }

    [Fact]
    public async Task A_request_without_a_response_fails_when_its_session_is_lost()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using GatewayApp app = await GatewayApp.StartAsync(map: a => a.MapPost("/forever", async (HttpContext context) =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }));
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options())) { Timeout = s_hang };
        Task<HttpResponseMessage> request = http.PostAsync(app.Uri("/forever"), new StringContent("not to be repeated"));
        await reached.Task.WaitAsync(s_hang);
        app.DropConnections();
        HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => request);
        Assert.IsAssignableFrom<IOException>(failure.InnerException);
    }

    [Fact]
    public async Task During_the_back_off_opens_fail_at_once_with_the_reason_and_later_connect_again()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        int port = FreePort.Find();
        var options = new MtaTlsClientOptions { Host = "localhost", Port = port, CertificateChainPolicy = GatewayCertificates.Trust(), TimeProvider = time };
        options.Reconnect.InitialDelay = options.Reconnect.MaxDelay = TimeSpan.FromSeconds(10);
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(options)) { Timeout = s_hang };
        var uri = new Uri($"https://localhost:{port}/");
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(uri));
        HttpRequestException second = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(uri));
        Assert.Contains("could not be reached", second.Message, StringComparison.Ordinal);
        await using GatewayApp app = await GatewayApp.StartAsync(port: port);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(uri));
        Assert.Equal(0, app.Connections);
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("HTTP/1.1 https localhost", await http.GetStringAsync(uri));
    }

    [Fact]
    public async Task An_idle_session_is_closed_and_the_next_channel_opens_another()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using PeerServer server = await PeerServer.StartAsync(PeerServer.Echo);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(o => (o.TimeProvider, o.SessionIdleTimeout) = (time, TimeSpan.FromSeconds(5))));
        await (await client.OpenChannelAsync("inner.test", 7)).DisposeAsync();
        time.Advance(TimeSpan.FromSeconds(4));
        MtaTlsClientChannel busy = await client.OpenChannelAsync("inner.test", 7);
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, client.GetStatistics().ActiveSessions);
        await busy.DisposeAsync();
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(0, client.GetStatistics().ActiveSessions);
        Assert.True(server.Sessions.TryTake(out MtaTlsSession? session));
        await session.Completion.WaitAsync(s_hang);
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("inner.test", 7);
        Assert.Equal(2, client.GetStatistics().Handshakes);
    }

    [Fact]
    public async Task Channels_that_the_server_opens_are_refused_unless_the_application_accepts_them()
    {
        await using PeerServer server = await PeerServer.StartAsync(PeerServer.Echo);
        await using MtaTlsClient refusing = await MtaTlsClient.ConnectAsync(server.Options());
        MtaTlsSession toRefusing = server.Sessions.Take();
        var source = new ChannelAddress("server.test", 1);
        MtaTlsChannelRefusedException refused = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => toRefusing.OpenChannelAsync(source, new ChannelAddress("client.test", 2)).AsTask().WaitAsync(s_hang));
        Assert.False(refused.IsLocal);

        await using MtaTlsClient accepting = await MtaTlsClient.ConnectAsync(server.Options(o => o.ChannelRequested = (request, _) =>
        {
            if (request.Destination.Port == 2)
            {
                PeerServer.Echo(request);
            }

            if (request.Destination.Port == 3)
            {
                throw new InvalidOperationException("a fault of the application");
            }

            return ValueTask.CompletedTask;
        }));
        MtaTlsSession toAccepting = server.Sessions.Take();
        await using MtaTlsChannel channel = await toAccepting.OpenChannelAsync(source, new ChannelAddress("client.test", 2)).AsTask().WaitAsync(s_hang);
        await using Stream stream = channel.AsStream();
        await stream.WriteAsync("ping"u8.ToArray());
        byte[] buffer = new byte[4];
        await stream.ReadExactlyAsync(buffer).AsTask().WaitAsync(s_hang);
        Assert.Equal("ping"u8.ToArray(), buffer);
        foreach (int port in new[] { 3, 4 })
        {
            await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => toAccepting.OpenChannelAsync(source, new ChannelAddress("client.test", port)).AsTask().WaitAsync(s_hang));
        }
    }

    [Fact]
    public async Task Disposal_lets_channels_of_the_server_finish_also_on_a_session_that_the_server_has_asked_to_leave()
    {
        await using PeerServer server = await PeerServer.StartAsync(PeerServer.Echo);
        MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(o =>
        {
            o.ShutdownTimeout = s_hang;
            o.ChannelRequested = static (request, _) =>
            {
                PeerServer.Echo(request);
                return ValueTask.CompletedTask;
            };
        }));
        MtaTlsSession session = server.Sessions.Take();
        await using MtaTlsChannel channel = await session.OpenChannelAsync(new ChannelAddress("server.test", 1), new ChannelAddress("client.test", 2)).AsTask().WaitAsync(s_hang);
        await session.GoAwayAsync(TimeSpan.Zero).AsTask().WaitAsync(s_hang);
        await Wait.UntilAsync(() => client.GetStatistics().ActiveSessions == 0);
        Task disposal = client.DisposeAsync().AsTask();
        await using Stream stream = channel.AsStream();
        for (int i = 0; i < 3; i++)
        {
            await stream.WriteAsync("ping"u8.ToArray());
            byte[] buffer = new byte[4];
            await stream.ReadExactlyAsync(buffer).AsTask().WaitAsync(s_hang);
        }

        Assert.False(disposal.IsCompleted);
        await channel.DisposeAsync();
        await disposal.WaitAsync(s_hang);
        await session.Completion.WaitAsync(s_hang);
    }

    [Fact]
    public async Task A_client_with_KeepConnected_reconnects_by_itself()
    {
        await using PeerServer server = await PeerServer.StartAsync(PeerServer.Echo);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(o => o.KeepConnected = true));
        for (int i = 0; i < 3; i++)
        {
            Assert.True(server.Sessions.TryTake(out MtaTlsSession? session, s_hang));
            session.Abort(new IOException("dropped by the test"));
        }
        Assert.True(server.Sessions.TryTake(out _, s_hang));
    }

    [Fact]
    public async Task Disposal_lets_an_open_channel_finish_and_then_sends_close_notify()
    {
        await using PeerServer server = await PeerServer.StartAsync(PeerServer.Echo);
        MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(o => o.ShutdownTimeout = s_hang));
        MtaTlsClientChannel channel = await client.OpenChannelAsync("inner.test", 7);
        Task disposal = client.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.OpenChannelAsync("inner.test", 7));
        await channel.WriteAsync("still there"u8.ToArray());
        byte[] buffer = new byte[11];
        await channel.ReadExactlyAsync(buffer).AsTask().WaitAsync(s_hang);
        Assert.False(disposal.IsCompleted);
        await channel.DisposeAsync();
        await disposal.WaitAsync(s_hang);
        // Completion would throw here without close_notify.
        await server.Sessions.Take().Completion.WaitAsync(s_hang);
    }

    [Fact]
    public async Task The_session_of_a_handler_outlives_the_handler()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        for (int i = 0; i < 3; i++)
        {
            using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options(o => o.CertificateChainPolicy = s_trust))) { Timeout = s_hang };
            await http.GetStringAsync(app.Uri());
            GC.Collect();
        }
        Assert.Equal(1, app.Connections);
    }

    [Fact]
    public async Task The_meter_counts_sessions_channels_and_handshakes()
    {
        await using PeerServer server = await PeerServer.StartAsync(request =>
        {
            if (request.Destination.Port == 9)
            {
                request.Refuse("no");
            }
            else
            {
                PeerServer.Echo(request);
            }
        });
        var sums = new System.Collections.Concurrent.ConcurrentDictionary<string, double>();
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "MtaTls.Client")
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        // Clients of other tests use the same meter, but other ports.
        void Count(string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag.Key == "server.port" && Equals(tag.Value, server.Port))
                {
                    sums.AddOrUpdate(name, value, (_, sum) => sum + value);
                }
            }
        }
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument.Name, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Count(instrument.Name, 1, tags));
        listener.Start();
        MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options());
        MtaTlsClientChannel channel = await client.OpenChannelAsync("inner.test", 7);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () => await client.OpenChannelAsync("inner.test", 9));
        Assert.Equal(1, sums["mtatls.client.connect.duration"]);
        Assert.Equal(1, sums["mtatls.client.active_sessions"]);
        Assert.Equal(1, sums["mtatls.client.active_channels"]);
        Assert.Equal(1, sums["mtatls.client.channels.refused"]);
        Assert.Equal(1, sums["mtatls.client.channel.open.duration"]);
        await channel.WriteAsync(new byte[10]);
        await channel.ReadExactlyAsync(new byte[10]).AsTask().WaitAsync(s_hang);
        await channel.DisposeAsync();
        await client.DisposeAsync();
        Assert.Equal(20, sums["mtatls.client.io"]);
        Assert.Equal(0, sums["mtatls.client.active_channels"]);
        await Wait.UntilAsync(() => sums["mtatls.client.active_sessions"] == 0);
    }

    private static readonly System.Security.Cryptography.X509Certificates.X509ChainPolicy s_trust = GatewayCertificates.Trust();
}
