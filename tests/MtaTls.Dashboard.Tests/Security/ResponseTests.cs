using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MtaTls.Dashboard.Tests.Support;

namespace MtaTls.Dashboard.Tests.Security;

/// <summary>Headers of responses, and limits of requests.</summary>
public sealed class ResponseTests
{
    [Fact]
    public async Task Every_answer_has_the_security_headers()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http("operator");
        foreach (RouteEndpoint endpoint in AnonymousTests.Endpoints(app))
        {
            using HttpRequestMessage request = AnonymousTests.Request(endpoint);
            using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).Soon();
            string policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
            Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Cross-Origin-Resource-Policy")));
            Assert.True(response.Headers.CacheControl!.NoStore || response.Headers.CacheControl is { Private: true, NoCache: true });
        }
    }

    [Fact]
    public async Task Files_are_revalidated_and_sent_once()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http();
        using HttpResponseMessage first = await http.GetAsync(new Uri("app.js", UriKind.Relative)).Soon();
        http.DefaultRequestHeaders.IfNoneMatch.Add(first.Headers.ETag!);
        using HttpResponseMessage second = await http.GetAsync(new Uri("app.js", UriKind.Relative)).Soon();
        Assert.Equal("text/javascript", first.Content.Headers.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Empty(await second.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task The_licences_of_the_libraries_come_with_them()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http();
        string text = await http.GetStringAsync(new Uri("lib/LICENSES.txt", UriKind.Relative)).Soon();
        Assert.Contains("Leon Sorokin", text, StringComparison.Ordinal);
        Assert.Contains("Pico", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_without_its_slash_redirects_to_the_page()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http();
        using HttpResponseMessage response = await http.GetAsync(new Uri("/mta-tls", UriKind.Relative)).Soon();
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.Equal("/mta-tls/", response.Headers.Location!.OriginalString);
    }

    [Theory]
    [InlineData("view=nothing")]
    [InlineData("view=sessions&page=0")]
    [InlineData("view=sessions&page=x")]
    [InlineData("view=sessions&size=201")]
    [InlineData("view=events&level=Loud")]
    public async Task An_invalid_query_is_answered_400(string query)
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http();
        foreach (string endpoint in (string[])["api/snapshot", "api/stream"])
        {
            using HttpResponseMessage response = await http.GetAsync(new Uri($"{endpoint}?{query}", UriKind.Relative)).Soon();
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Contains("error", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_filter_that_is_too_long_is_answered_400()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http();
        using HttpResponseMessage response = await http.GetAsync(new Uri($"api/snapshot?view=sessions&filter={new string('a', 201)}", UriKind.Relative)).Soon();
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Viewers_above_MaxViewers_are_answered_503()
    {
        await using LiveApp app = await LiveApp.StartAsync(dashboard: static o => o.MaxViewers = 1);
        using HttpClient http = app.Http();
        using (HttpResponseMessage first = await http.GetAsync(new Uri("api/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead).Soon())
        {
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
            using HttpResponseMessage second = await http.GetAsync(new Uri("api/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead).Soon();
            Assert.Equal(HttpStatusCode.ServiceUnavailable, second.StatusCode);
            Assert.Contains("MaxViewers", await second.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        // A viewer fits again when the server has noticed that the first viewer has left.
        await Wait.UntilAsync(() => app.Services.GetRequiredService<Sampling.Sampler>().Viewers == 0);
        using HttpResponseMessage third = await http.GetAsync(new Uri("api/snapshot", UriKind.Relative)).Soon();
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
    }

    [Fact]
    public async Task A_stream_ends_after_its_lifetime_and_tells_the_page_to_connect_again()
    {
        await using LiveApp app = await LiveApp.StartAsync(dashboard: static o => o.StreamLifetime = TimeSpan.FromSeconds(1));
        using HttpClient http = app.Http();
        string all = await http.GetStringAsync(new Uri("api/stream", UriKind.Relative)).Soon();
        Assert.StartsWith("data: {", all, StringComparison.Ordinal);
        Assert.EndsWith("event: again\ndata: {}\n\n", all, StringComparison.Ordinal);
    }

    // Nothing is cut off, even if the lifetime is over while the first event is written.
    [Fact]
    public async Task A_stream_sends_whole_events()
    {
        // The lifetime ends while the first event is sent.
        LifetimeClock clock = new();
        await using LiveApp app = await LiveApp.StartAsync(
            builder => builder.Services.AddSingleton<TimeProvider>(clock),
            a => a.Use((context, next) =>
            {
                context.Response.OnStarting(() =>
                {
                    clock.End();
                    return Task.CompletedTask;
                });
                return next(context);
            }),
            dashboard: static o => o.StreamLifetime = LifetimeClock.Lifetime);
        using HttpClient http = app.Http();
        string all = await http.GetStringAsync(new Uri("api/stream", UriKind.Relative)).Soon();
        string[] events = all.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("event: again\ndata: {}", events[^1]);
        Assert.NotEmpty(events[..^1]);
        Assert.All(events[..^1], static e =>
        {
            Assert.StartsWith("data: ", e, StringComparison.Ordinal);
            using var frame = JsonDocument.Parse(e["data: ".Length..]);
            Assert.Equal(JsonValueKind.Object, frame.RootElement.ValueKind);
        });
    }

    // A page that is watched does not delay the application's stop.
    [Fact]
    public async Task A_stream_ends_when_the_application_stops()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http();
        using HttpResponseMessage response = await http.GetAsync(new Uri("api/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead).Soon();
        Task<string> all = response.Content.ReadAsStringAsync();
        await app.App.StopAsync().Soon();
        Assert.DoesNotContain("event: again", await all.Soon(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_that_reads_nothing_does_not_delay_the_applications_stop()
    {
        StuckStream stuck = new();
        await using LiveApp app = await LiveApp.StartAsync(
            static builder => builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = Timeout.InfiniteTimeSpan),
            a => a.Use((context, next) =>
            {
                context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(stuck));
                return next(context);
            }));
        using HttpClient http = app.Http();
        Task<HttpResponseMessage> response = http.GetAsync(new Uri("api/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await stuck.Waits.Task.Soon();
        await app.App.StopAsync().Soon();
        await Assert.ThrowsAsync<HttpRequestException>(() => response.Soon());
    }

    [Fact]
    public async Task While_nobody_watches_nothing_is_sampled_and_no_meter_is_listened_to()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        Sampling.Sampler sampler = app.Services.GetRequiredService<Sampling.Sampler>();
        Assert.False(sampler.IsRunning);
        using HttpClient http = app.Http();
        using (await http.GetAsync(new Uri("api/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead).Soon())
        {
            Assert.True(sampler.IsRunning);
        }

        await Wait.UntilAsync(() => !sampler.IsRunning);
    }

    /// <summary>A clock whose timer of one duration ends when the test says so.</summary>
    private sealed class LifetimeClock : TimeProvider
    {
        public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1234);

        private Action? _end;

        public void End() => _end?.Invoke();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Lifetime)
            {
                _end = () => callback(state);
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    /// <summary>The response of a viewer that reads nothing.</summary>
    private sealed class StuckStream : MemoryStream
    {
        private readonly TaskCompletionSource _never = new();

        /// <summary>Completes when something waits for the viewer.</summary>
        public TaskCompletionSource Waits { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Waits.TrySetResult();
            await _never.Task.WaitAsync(cancellationToken);
        }
    }
}
