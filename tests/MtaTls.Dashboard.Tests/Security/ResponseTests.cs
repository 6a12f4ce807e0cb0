using System.Net;
using Microsoft.AspNetCore.Routing;
using MtaTls.Dashboard.Tests.Support;

namespace MtaTls.Dashboard.Tests.Security;

/// <summary>What answers say to the browser, and what questions they take.</summary>
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
    public async Task Files_are_asked_for_again_and_sent_once()
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
    public async Task The_page_without_its_slash_leads_to_the_page()
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
    public async Task A_wrong_question_is_answered_400(string query)
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

        // The place is free again once the server has noticed that the first viewer has gone.
        await Wait.UntilAsync(() => app.Services.GetRequiredService<Sampling.Sampler>().Viewers == 0);
        using HttpResponseMessage third = await http.GetAsync(new Uri("api/snapshot", UriKind.Relative)).Soon();
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
    }

    [Fact]
    public async Task A_stream_ends_with_its_lifetime_and_says_that_the_page_may_come_again()
    {
        await using LiveApp app = await LiveApp.StartAsync(dashboard: static o => o.StreamLifetime = TimeSpan.FromSeconds(1));
        using HttpClient http = app.Http();
        string all = await http.GetStringAsync(new Uri("api/stream", UriKind.Relative)).Soon();
        Assert.StartsWith("data: {", all, StringComparison.Ordinal);
        Assert.EndsWith("event: again\ndata: {}\n\n", all, StringComparison.Ordinal);
    }

    // A page that is watched does not hold up the application's end.
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
}
