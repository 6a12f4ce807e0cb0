using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using MtaTls.Client;
using MtaTls.Dashboard.Tests.Support;

namespace MtaTls.Dashboard.Tests.Security;

/// <summary>The users that may act, and the token that an action needs.</summary>
public sealed class ActionTests
{
    [Fact]
    public async Task A_viewer_may_not_act()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http("viewer");
        foreach (RouteEndpoint endpoint in Actions(app))
        {
            using HttpRequestMessage request = AnonymousTests.Request(endpoint);
            using HttpResponseMessage response = await http.SendAsync(request).Soon();
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        }

        using HttpResponseMessage token = await http.GetAsync(new Uri("api/token", UriKind.Relative)).Soon();
        Assert.Equal(HttpStatusCode.Forbidden, token.StatusCode);
        Assert.False((await FrameAsync(http)).GetProperty("canAct").GetBoolean());
    }

    [Fact]
    public async Task Without_ActionsPolicy_nobody_may_act()
    {
        await using LiveApp app = await LiveApp.StartAsync(dashboard: static o => o.ActionsPolicy = null);
        using HttpClient http = app.Http("operator");
        foreach (RouteEndpoint endpoint in Actions(app))
        {
            using HttpRequestMessage request = AnonymousTests.Request(endpoint);
            using HttpResponseMessage response = await http.SendAsync(request).Soon();
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }

        Assert.False((await FrameAsync(http)).GetProperty("canAct").GetBoolean());
    }

    [Fact]
    public async Task An_action_needs_the_antiforgery_token()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using MtaTlsClient client = await app.ConnectAsync();
        await Wait.UntilAsync(() => app.Sessions.List().Count == 1);
        string id = app.Sessions.List()[0].SessionId;
        using HttpClient http = app.Http("operator");
        foreach (RouteEndpoint endpoint in Actions(app))
        {
            using HttpRequestMessage request = AnonymousTests.Request(endpoint);
            using HttpResponseMessage response = await http.SendAsync(request).Soon();
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }

        using HttpRequestMessage forged = new(HttpMethod.Post, new Uri($"api/sessions/{id}/abort", UriKind.Relative));
        forged.Headers.Add("RequestVerificationToken", "made-up");
        using HttpResponseMessage refused = await http.SendAsync(forged).Soon();
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.NotNull(app.Sessions.Find(id));
    }

    [Fact]
    public async Task A_session_ends_and_one_is_aborted()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http("operator");
        await SignAsync(http);
        foreach (string action in (string[])["end", "abort"])
        {
            await using MtaTlsClient client = await app.ConnectAsync();
            await Wait.UntilAsync(() => app.Sessions.List().Count == 1);
            string id = app.Sessions.List()[0].SessionId;
            using HttpResponseMessage done = await http.PostAsync(new Uri($"api/sessions/{id}/{action}", UriKind.Relative), null).Soon();
            Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
            await Wait.UntilAsync(() => app.Sessions.Find(id) is null);
            using HttpResponseMessage again = await http.PostAsync(new Uri($"api/sessions/{id}/{action}", UriKind.Relative), null).Soon();
            Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
            await client.DisposeAsync();
        }

        // The log, which the page shows, contains the user.
        JsonElement events = await app.SnapshotAsync("events&filter=live page");
        Assert.Contains(events.GetProperty("rows").EnumerateArray(), static e => e.GetProperty("message").GetString()!.StartsWith("User operator on the live page: abort session", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_channel_is_closed_and_its_session_goes_on()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        await using MtaTlsClient client = await app.ConnectAsync();
        await using MtaTlsClientChannel first = await client.OpenChannelAsync("first.test", 80).Soon();
        await using MtaTlsClientChannel second = await client.OpenChannelAsync("second.test", 80).Soon();
        string id = app.Sessions.List()[0].SessionId;
        using HttpClient http = app.Http("operator");
        await SignAsync(http);
        using HttpResponseMessage done = await http.PostAsync(new Uri($"api/sessions/{id}/channels/{first.Id}/abort", UriKind.Relative), null).Soon();
        Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
        Assert.True((await first.Input.ReadAsync().Soon()).IsCompleted);
        await Wait.UntilAsync(() => app.Sessions.ListChannels(id)?.Count == 1);
        Assert.Equal("second.test", app.Sessions.ListChannels(id)![0].Destination.Host);
        // The session ends although the client has not disposed the closed channel.
        await second.DisposeAsync();
        using HttpResponseMessage end = await http.PostAsync(new Uri($"api/sessions/{id}/end", UriKind.Relative), null).Soon();
        Assert.Equal(HttpStatusCode.NoContent, end.StatusCode);
        await Wait.UntilAsync(() => app.Sessions.Find(id) is null);
        using HttpResponseMessage nothing = await http.PostAsync(new Uri($"api/sessions/{id}/channels/no-id/abort", UriKind.Relative), null).Soon();
        Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
    }

    [Fact]
    public async Task A_policy_that_does_not_exist_is_named()
    {
        await using LiveApp app = await LiveApp.StartAsync(dashboard: static o => o.ActionsPolicy = "nobody-made-it");
        MtaTls.Dashboard.Security.ActionGate gate = app.Services.GetRequiredService<MtaTls.Dashboard.Security.ActionGate>();
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => gate.DecideAsync(new Microsoft.AspNetCore.Http.DefaultHttpContext { RequestServices = app.Services }));
        Assert.Contains("MtaTlsDashboard:ActionsPolicy", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Gets the token, as the page does.</summary>
    internal static async Task SignAsync(HttpClient http)
    {
        JsonElement token = await http.GetFromJsonAsync<JsonElement>(new Uri("api/token", UriKind.Relative)).Soon();
        http.DefaultRequestHeaders.Add(token.GetProperty("header").GetString()!, token.GetProperty("token").GetString());
    }

    private static async Task<JsonElement> FrameAsync(HttpClient http) => await http.GetFromJsonAsync<JsonElement>(new Uri("api/snapshot", UriKind.Relative)).Soon();

    private static RouteEndpoint[] Actions(LiveApp app)
        => [.. AnonymousTests.Endpoints(app).Where(static e => e.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods.Contains("POST"))];
}
