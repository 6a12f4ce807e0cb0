using System.Net;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>The age at which the server replaces a session.</summary>
public sealed class SessionLifetimeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_session_that_has_reached_its_age_is_replaced_and_no_request_is_lost(int version)
    {
        FakeTimeProvider time = new();
        await using TestApp app = await TestApp.StartAsync(
            static a => a.MapPost("/", static async (Stream body) => await new StreamReader(body).ReadToEndAsync()),
            o =>
            {
                o.Limits.SessionLifetime = TimeSpan.FromMinutes(10);
                // The test advances the clock much faster than the machine works.
                o.Limits.HandshakeTimeout = o.Limits.CloseTimeout = o.Limits.CloseLingerTimeout = TimeSpan.FromHours(1);
            },
            configure: b => b.Services.AddSingleton<TimeProvider>(time));
        using HttpClient http = new(new SocketsHttpHandler().UseMtaTls(o =>
        {
            (o.Host, o.Port, o.CertificateChainPolicy, o.Mode) = ("localhost", app.Port, TestCertificates.TrustRoot(), MtaTlsClientMode.Required);
        }))
        { Timeout = Wait.Timeout, DefaultRequestVersion = version == 1 ? HttpVersion.Version11 : HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        int answers = 0;
        using CancellationTokenSource stop = new();
        // POST is never retried, so each lost request is an error here.
        Task[] load = [.. Enumerable.Range(0, 8).Select(i => PostAsync($"{i}"))];
        await UntilAsync(() => Volatile.Read(ref answers) >= 50);
        Assert.Equal(1, Count("SessionStarted"));
        time.Advance(TimeSpan.FromMinutes(9) - TimeSpan.FromSeconds(1));
        await UntilAsync(() => Volatile.Read(ref answers) >= 100);
        Assert.Equal(0, Count("SessionAged"));

        time.Advance(TimeSpan.FromMinutes(1) + TimeSpan.FromSeconds(1));
        await UntilAsync(() => Count("SessionAged") == 1 && Count("SessionStarted") == 2);
        await UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return Count("SessionEnded") == 1;
        });
        await stop.CancelAsync();
        await Task.WhenAll(load).Soon();
        Assert.Equal(0, Count("SessionFailed"));

        async Task PostAsync(string body)
        {
            while (!stop.IsCancellationRequested)
            {
                using StringContent content = new(body);
                using HttpResponseMessage response = await http.PostAsync(new Uri($"https://localhost:{app.Port}/"), content);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                Assert.Equal(body, await response.Content.ReadAsStringAsync());
                Interlocked.Increment(ref answers);
                // The test does not need a high load.
                await Task.Delay(10);
            }
        }

        // A request that is lost ends the test at once.
        Task UntilAsync(Func<bool> condition) => Wait.UntilAsync(() => load.FirstOrDefault(static t => t.IsFaulted) is { } lost ? throw lost.Exception!.InnerException! : condition());

        int Count(string name) => app.Logs.GetSnapshot().Count(r => r.Id.Name == name);
    }

    [Fact]
    public async Task Without_SessionLifetime_a_session_has_no_age()
    {
        FakeTimeProvider time = new();
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", static () => "hello"), configure: b => b.Services.AddSingleton<TimeProvider>(time));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel open = await client.OpenAsync();
        Assert.Equal("hello", (await open.GetAsync("/")).Body);
        time.Advance(TimeSpan.FromDays(400));
        Assert.Equal("hello", (await open.GetAsync("/")).Body);
        Assert.Equal("hello", await client.GetAsync());
        Assert.DoesNotContain(app.Logs.GetSnapshot(), static r => r.Id.Name is "SessionAged" or "GoAwaySent");
    }
}
