using System.Diagnostics.Metrics;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MtaTls.AspNetCore.Connections;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Security;

/// <summary>Limits by the client's certificate (MtaTls:IdentityLimits). Each is reached and exceeded, and other clients continue.</summary>
public sealed class IdentityLimitTests
{
    private const int Length = 200_000;

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_session_above_MaxSessions_is_refused_its_channel_and_ends()
    {
        await using TestApp app = await StartAsync("""{ "Name": "workers", "MaxSessions": 1 }""");
        using MetricCollector<long> limits = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.limits.exceeded");
        await using RawClient first = await ServedAsync(app);
        await using RawClient second = await ConnectAsync(app);
        MtaTlsChannelRefusedException refusal = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => second.OpenAsync());
        Assert.Equal("Too many sessions of this client", refusal.Reason);
        await second.Session.Completion.Soon();
        await Wait.UntilAsync(() => limits.GetMeasurementSnapshot().Any(static m => Equals(m.Tags["mtatls.limit"], "IdentityLimits:MaxSessions") && Equals(m.Tags["mtatls.identity_rule"], "workers")));
        Assert.Contains("rule 'workers'", Assert.Single(await app.LoggedAsync("IdentityLimitExceeded")), StringComparison.Ordinal);

        // Another identity, a client without a certificate, and the first session.
        await using RawClient other = await ConnectAsync(app, TestCertificates.OtherClient);
        await using RawClient anonymous = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("app", await other.GetAsync());
        Assert.Equal("app", await anonymous.GetAsync());
        Assert.Equal("app", await first.GetAsync());

        // The place is free again when the first session has ended.
        await first.DisposeAsync();
        await Wait.UntilAsync(async () => !await IsRefusedAsync(app, TestCertificates.Client));
    }

    [Fact]
    public async Task A_session_above_MaxSessions_that_asks_for_nothing_ends_as_well()
    {
        await using TestApp app = await StartAsync("""{ "MaxSessions": 1 }""");
        await using RawClient first = await ServedAsync(app);
        await using RawClient second = await ConnectAsync(app);
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (!second.Session.Completion.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Delay(20, hang.Token);
        }

        Assert.Equal("app", await first.GetAsync());
    }

    [Fact]
    public async Task HttpClients_error_contains_the_reason()
    {
        await using TestApp app = await StartAsync("""{ "MaxSessions": 1 }""");
        await using RawClient first = await ServedAsync(app);
        using HttpClient client = new(new SocketsHttpHandler().UseMtaTls(GatewayClient.Options(app.Port, TestCertificates.Client))) { Timeout = Wait.Timeout };
        HttpRequestException e = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri("https://app.test/")));
        Assert.Contains("Too many sessions of this client", e.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Certificate", false, false)]
    [InlineData("Subject", true, false)]
    [InlineData("Rule", true, true)]
    public async Task Clients_share_limits_as_the_rule_says(string per, bool sharesSubject, bool sharesRule)
    {
        await using TestApp app = await StartAsync($$"""{ "Per": "{{per}}", "MaxSessions": 1 }""");
        X509Certificate2 renewed = TestCertificates.Issue("CN=client", TestCertificates.Root, "1.3.6.1.5.5.7.3.2", ["renewed.test"]);
        await using RawClient first = await ServedAsync(app);
        Assert.Equal(sharesSubject, await IsRefusedAsync(app, renewed));
        Assert.Equal(sharesRule, await IsRefusedAsync(app, TestCertificates.OtherClient));
        Assert.True(await IsRefusedAsync(app, TestCertificates.Client));
    }

    [Fact]
    public async Task The_first_rule_that_matches_a_client_decides()
    {
        await using TestApp app = await StartAsync("""
            { "Name": "free", "ClientCertificate": { "SubjectAlternativeNames": [ "other-client.test" ] } },
            { "Name": "others", "MaxSessions": 1 }
            """);
        await using RawClient free = await ConnectAsync(app, TestCertificates.OtherClient);
        await using RawClient first = await ServedAsync(app);
        Assert.False(await IsRefusedAsync(app, TestCertificates.OtherClient));
        Assert.True(await IsRefusedAsync(app, TestCertificates.Client));
    }

    [Fact]
    public async Task MaxChannels_counts_the_channels_of_all_sessions_also_those_of_Tcp_routes()
    {
        await using var echo = TcpServer.StartEcho();
        await using TestApp app = await StartAsync("""{ "MaxChannels": 3 }""", $$"""
            "Channels": [ { "Hosts": [ "echo.internal" ], "Action": "Tcp", "AllowAnonymous": true, "Upstream": "127.0.0.1:{{echo.Port}}" } ],
            """);
        await using RawClient one = await ConnectAsync(app);
        await using RawClient two = await ConnectAsync(app);
        await using HttpChannel a = await one.OpenAsync();
        await using HttpChannel b = await two.OpenAsync("echo.internal");
        await using HttpChannel c = await two.OpenAsync();
        MtaTlsChannelRefusedException refusal = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => one.OpenAsync());
        Assert.Equal("Too many channels of this client", refusal.Reason);
        Assert.Equal("Too many channels of this client", (await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => two.OpenAsync("echo.internal"))).Reason);
        await using RawClient other = await ConnectAsync(app, TestCertificates.OtherClient);
        Assert.Equal("app", await other.GetAsync());
        Assert.Equal(200, (await a.GetAsync("/")).Status);

        await b.DisposeAsync();
        await Wait.UntilAsync(async () => !await IsOpenRefusedAsync(one));
    }

    // Opens whose TCP connections are being opened when the last place is taken.
    [Fact]
    public async Task Many_opens_at_a_time_take_no_more_places_than_there_are()
    {
        await using var echo = TcpServer.StartEcho();
        await using TestApp app = await StartAsync("""{ "MaxChannels": 5 }""", $$"""
            "Channels": [ { "Action": "Tcp", "AllowAnonymous": true, "Upstream": "127.0.0.1:{{echo.Port}}" } ],
            """);
        await using RawClient client = await ConnectAsync(app);
        bool[] refused = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            try
            {
                await client.OpenAsync();
                return false;
            }
            catch (MtaTlsChannelRefusedException)
            {
                return true;
            }
        }));
        Assert.Equal(5, refused.Count(static r => !r));
    }

    [Fact]
    public async Task MaxOpensPerSecond_holds_for_all_sessions_together_and_after_a_reconnect()
    {
        await using TestApp app = await StartAsync("""{ "MaxOpensPerSecond": 5 }""");
        await using RawClient one = await ConnectAsync(app);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("app", await one.GetAsync());
        }

        await using (RawClient two = await ConnectAsync(app))
        {
            Assert.Equal("app", await two.GetAsync());
            Assert.Equal("app", await two.GetAsync());
            Assert.Equal("Too many opens of this client", (await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => two.OpenAsync())).Reason);
        }

        await one.DisposeAsync();
        MtaTlsServer server = app.Services.GetRequiredService<MtaTlsServer>();
        await Wait.UntilAsync(() => server.Metrics.ActiveSessions == 0);
        await using RawClient back = await ConnectAsync(app);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => back.OpenAsync());
        await using RawClient other = await ConnectAsync(app, TestCertificates.OtherClient);
        Assert.Equal("app", await other.GetAsync());

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("app", await back.GetAsync());

        // Identities without sessions are removed.
        await back.DisposeAsync();
        await other.DisposeAsync();
        await Wait.UntilAsync(() => server.Metrics.ActiveSessions == 0);
        _time.Advance(TimeSpan.FromSeconds(2));
        await using (RawClient last = await ConnectAsync(app, TestCertificates.OtherClient))
        {
        }

        _time.Advance(TimeSpan.FromSeconds(2));
        await Wait.UntilAsync(() => server.Identities.Count <= 1);
    }

    [Theory]
    [InlineData("1.1", "receive")]
    [InlineData("1.1", "send")]
    [InlineData("2.0", "receive")]
    [InlineData("2.0", "send")]
    public async Task Bandwidth_holds_and_others_do_not_wait(string version, string direction)
    {
        const int Rate = 32_768;
        await using TestApp app = await StartAsync($$"""{ "Name": "slow", "{{(direction == "send" ? "SendBytesPerSecond" : "ReceiveBytesPerSecond")}}": {{Rate}} }""");
        using MetricCollector<double> delays = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.identity.delays");
        using HttpClient slow = Client(app, TestCertificates.Client, version), fast = Client(app, TestCertificates.OtherClient, version);

        // The other client matches a rule without limits, and does not wait although the clock stands still.
        DateTimeOffset began = _time.GetUtcNow();
        Task<long> transfer = TransferAsync(slow, direction);
        await Wait.UntilAsync(() => delays.GetMeasurementSnapshot().Count > 0);
        Assert.Equal(Length, await TransferAsync(fast, direction).Soon());
        Assert.False(transfer.IsCompleted);

        // A small request of the limited client gets its turn too.
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (!transfer.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Delay(5, hang.Token);
        }

        Assert.Equal(Length, await transfer);
        double least = (Length - (Rate / 4) - 4096d) / Rate;
        Assert.True((_time.GetUtcNow() - began).TotalSeconds >= least, "Faster than the rate.");
        Assert.All(delays.GetMeasurementSnapshot(), m => Assert.Equal(("slow", direction == "send" ? "transmit" : "receive"), ((string)m.Tags["mtatls.identity_rule"]!, (string)m.Tags["network.io.direction"]!)));
    }

    [Fact]
    public async Task Bandwidth_holds_for_Tcp_routes()
    {
        const int Rate = 32_768;
        await using var echo = TcpServer.StartEcho();
        await using TestApp app = await StartAsync($$"""{ "ReceiveBytesPerSecond": {{Rate}} }""", $$"""
            "Channels": [ { "Action": "Tcp", "AllowAnonymous": true, "Upstream": "127.0.0.1:{{echo.Port}}" } ],
            """);
        await using RawClient client = await ConnectAsync(app);
        await using HttpChannel channel = await client.OpenAsync();
        byte[] data = new byte[100_000];
        Random.Shared.NextBytes(data);
        DateTimeOffset began = _time.GetUtcNow();
        await channel.SendAsync(data);
        Task<byte[]> back = channel.ReadAsync(data.Length);
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (!back.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Delay(5, hang.Token);
        }

        Assert.Equal(data, await back);
        Assert.True((_time.GetUtcNow() - began).TotalSeconds >= (data.Length - (Rate / 4) - 4096d) / Rate, "Faster than the rate.");
    }

    // The clock stands still, so an end that waited for bandwidth would wait for ever.
    [Theory]
    [InlineData("abort")]
    [InlineData("lost")]
    [InlineData("stop")]
    public async Task An_end_does_not_wait_for_bandwidth(string end)
    {
        await using TestApp app = await StartAsync("""{ "SendBytesPerSecond": 4096 }""");
        using MetricCollector<double> delays = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.identity.delays");
        RawClient client = await ConnectAsync(app);
        HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("GET /data HTTP/1.1\r\nHost: app.test\r\n\r\n");
        await Wait.UntilAsync(() => delays.GetMeasurementSnapshot().Count > 0);
        MtaTlsServer server = app.Services.GetRequiredService<MtaTlsServer>();
        switch (end)
        {
            case "abort":
                channel.Channel.Abort();
                break;
            case "lost":
                client.Reset();
                break;
            default:
                using (CancellationTokenSource now = new(TimeSpan.FromSeconds(1)))
                {
                    await app.App.StopAsync(now.Token).Soon();
                }

                break;
        }

        await Wait.UntilAsync(() => server.Metrics.ActiveChannels == 0);
        client.Socket.Dispose();
    }

    [Fact]
    public async Task A_change_of_the_configuration_applies_to_later_sessions()
    {
        await using TestApp app = await StartAsync("""{ "MaxChannels": 1 }""");
        await using RawClient before = await ConnectAsync(app);
        await using HttpChannel first = await before.OpenAsync();
        Assert.True(await IsOpenRefusedAsync(before));
        Gateway.Write(app.ContentRoot, Settings("""{ "MaxChannels": 3 }"""));
        await app.LoggedAsync("OptionsReloaded");
        await using RawClient after = await ConnectAsync(app);
        Assert.False(await IsOpenRefusedAsync(after));
    }

    [Fact]
    public async Task Invalid_settings_fail_startup_and_rules_that_never_apply_are_logged()
    {
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync("""
            { "Name": "a", "MaxSessions": -1, "ReceiveBytesPerSecond": 4095, "Per": "Address" },
            { "Name": "A", "ClientCertificate": { "Subject": "CN=x" } },
            { "Name": "all" }
            """));
        Assert.Contains("MtaTls:IdentityLimits:0:MaxSessions: '-1' is not", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:IdentityLimits:0:ReceiveBytesPerSecond", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:IdentityLimits:0:Per: 'Address' is none of Certificate, Subject, Rule", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:IdentityLimits:1:Name: 'A' is the name of an earlier rule", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:IdentityLimits:1:ClientCertificate:Issuer:", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:IdentityLimits:2: limits nothing", e.Message, StringComparison.Ordinal);

        await using TestApp app = await Gateway.StartAsync(Settings("""{ "MaxSessions": 1 }"""));
        Assert.Single(await app.LoggedAsync("NoCertificatesForIdentityLimits"));
    }

    private static string Settings(string rules, string more = "") => $$"""{ "MtaTls": { {{more}} "IdentityLimits": [ {{rules}} ] } }""";

    private Task<TestApp> StartAsync(string rules, string more = "") => Gateway.StartAsync(
        // The last rule matches the clients that no other rule limits.
        Settings(rules.Contains("slow", StringComparison.Ordinal) ? $$"""{ "Name": "fast", "ClientCertificate": { "SubjectAlternativeNames": [ "other-client.test" ] } }, {{rules}}""" : rules, more),
        static app =>
        {
            app.MapGet("/", static () => "app");
            app.MapGet("/data", static async (HttpContext context) =>
            {
                context.Response.ContentLength = Length;
                byte[] piece = new byte[10_000];
                for (int sent = 0; sent < Length; sent += piece.Length)
                {
                    await context.Response.Body.WriteAsync(piece, context.RequestAborted);
                }
            });
            app.MapPost("/data", static async (HttpContext context) =>
            {
                long length = 0;
                byte[] buffer = new byte[4096];
                for (int count; (count = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0;)
                {
                    length += count;
                }

                return length;
            });
        },
        https: Gateway.WithClientCertificates,
        configure: builder => builder.Services.AddSingleton<TimeProvider>(_time));

    private static Task<RawClient> ConnectAsync(TestApp app, X509Certificate2? certificate = null)
        => RawClient.ConnectAsync(app.Port, tls: o => o.ClientCertificate = certificate ?? TestCertificates.Client);

    /// <summary>Connects, and waits until the server counts the session, because a client finishes the handshake before the server.</summary>
    private static async Task<RawClient> ServedAsync(TestApp app)
    {
        RawClient client = await ConnectAsync(app);
        Assert.Equal("app", await client.GetAsync());
        return client;
    }

    private static HttpClient Client(TestApp app, X509Certificate2 certificate, string version) => new(new SocketsHttpHandler().UseMtaTls(GatewayClient.Options(app.Port, certificate)))
    {
        DefaultRequestVersion = Version.Parse(version),
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = Wait.Timeout,
    };

    private static async Task<long> TransferAsync(HttpClient client, string direction)
    {
        Uri url = new("https://app.test/data");
        if (direction == "send")
        {
            return (await client.GetByteArrayAsync(url)).Length;
        }

        using HttpResponseMessage response = await client.PostAsync(url, new ByteArrayContent(new byte[Length]));
        return long.Parse(await response.Content.ReadAsStringAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<bool> IsRefusedAsync(TestApp app, X509Certificate2 certificate)
    {
        await using RawClient client = await ConnectAsync(app, certificate);
        return await IsOpenRefusedAsync(client);
    }

    private static async Task<bool> IsOpenRefusedAsync(RawClient client)
    {
        try
        {
            await using HttpChannel channel = await client.OpenAsync();
            return false;
        }
        catch (MtaTlsChannelRefusedException)
        {
            return true;
        }
    }
}
