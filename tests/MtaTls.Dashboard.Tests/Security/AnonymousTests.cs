using System.Net;
using Microsoft.AspNetCore.Routing;
using MtaTls.Dashboard.Tests.Support;

namespace MtaTls.Dashboard.Tests.Security;

/// <summary>Access to the page without and with authorization.</summary>
public sealed class AnonymousTests
{
    private const string NoPolicy = "none";

    // Every endpoint of the page, also those that are added later.
    [Theory]
    [InlineData("viewers", "Production", HttpStatusCode.Unauthorized)]
    [InlineData("viewers", "Development", HttpStatusCode.Unauthorized)]
    [InlineData(NoPolicy, "Production", HttpStatusCode.NotFound)]
    public async Task An_anonymous_visitor_gets_nothing_anywhere(string policy, string environment, HttpStatusCode expected)
    {
        await using LiveApp app = await LiveApp.StartAsync(policy: policy == NoPolicy ? null : policy, environment: environment);
        using HttpClient http = app.Http(user: null);
        RouteEndpoint[] all = Endpoints(app);
        Assert.True(all.Length > 15);
        foreach (RouteEndpoint endpoint in all)
        {
            using HttpRequestMessage request = Request(endpoint);
            using HttpResponseMessage response = await http.SendAsync(request).Soon();
            Assert.Equal(expected, response.StatusCode);
            Assert.Empty(await response.Content.ReadAsStringAsync());
        }
    }

    // A user who has signed in but does not satisfy the policy.
    [Fact]
    public async Task Another_user_gets_nothing_anywhere()
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http(user: "somebody");
        foreach (RouteEndpoint endpoint in Endpoints(app))
        {
            using HttpRequestMessage request = Request(endpoint);
            using HttpResponseMessage response = await http.SendAsync(request).Soon();
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
            Assert.Empty(await response.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task Without_a_policy_it_answers_this_machine_in_Development_alone()
    {
        await using LiveApp app = await LiveApp.StartAsync(policy: null, environment: "Development");
        using HttpClient http = app.Http(user: null);
        using HttpResponseMessage page = await http.GetAsync(app.Page).Soon();
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
    }

    // With AllowAnonymous() the policy is not applied, so the page behaves as without one.
    [Fact]
    public async Task AllowAnonymous_opens_nothing()
    {
        await using LiveApp app = await LiveApp.StartAsync(map: static a => a.MapMtaTlsDashboard("/open").RequireAuthorization("viewers").AllowAnonymous());
        using HttpClient http = app.Http(user: null);
        using HttpResponseMessage page = await http.GetAsync(new Uri(app.Page, "/open/")).Soon();
        Assert.Equal(HttpStatusCode.NotFound, page.StatusCode);
    }

    // A proxy on this machine, or a web page whose name was pointed to 127.0.0.1 (DNS rebinding).
    [Theory]
    [InlineData("X-Forwarded-For", "192.0.2.1")]
    [InlineData("Forwarded", "for=192.0.2.1")]
    [InlineData("Via", "1.1 proxy")]
    [InlineData("Host", "attacker.example")]
    public async Task In_Development_it_answers_browsers_of_this_machine_alone(string header, string value)
    {
        await using LiveApp app = await LiveApp.StartAsync(policy: null, environment: "Development");
        using HttpClient http = app.Http(user: null);
        using HttpRequestMessage request = new(HttpMethod.Get, app.Page);
        request.Headers.TryAddWithoutValidation(header, value);
        using HttpResponseMessage response = await http.SendAsync(request).Soon();
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    // The browser tells from which site a request comes. Pages of other origins can read nothing, whatever the application's CORS policy is. A link to the page works.
    [Theory]
    [InlineData("cross-site", "cors", HttpStatusCode.NotFound)]
    [InlineData("same-site", "no-cors", HttpStatusCode.NotFound)]
    [InlineData("cross-site", "navigate", HttpStatusCode.OK)]
    [InlineData("same-origin", "cors", HttpStatusCode.OK)]
    public async Task Other_origins_read_nothing(string site, string mode, HttpStatusCode expected)
    {
        await using LiveApp app = await LiveApp.StartAsync();
        using HttpClient http = app.Http();
        http.DefaultRequestHeaders.Add("Sec-Fetch-Site", site);
        http.DefaultRequestHeaders.Add("Sec-Fetch-Mode", mode);
        using HttpResponseMessage response = await http.GetAsync(app.Page).Soon();
        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Without_its_services_mapping_says_what_to_call()
    {
        await using WebApplication app = WebApplication.CreateBuilder().Build();
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => app.MapMtaTlsDashboard());
        Assert.Contains("AddMtaTlsDashboard()", e.Message, StringComparison.Ordinal);
    }

    internal static RouteEndpoint[] Endpoints(LiveApp app)
        => [.. app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(static e => e.DisplayName!.StartsWith("MTA-TLS dashboard", StringComparison.Ordinal))];

    internal static HttpRequestMessage Request(RouteEndpoint endpoint)
    {
        string path = endpoint.RoutePattern.RawText!.Replace("{id}", "0HN", StringComparison.Ordinal).Replace("{channel}", "00010001", StringComparison.Ordinal).Replace("{number:long}", "1", StringComparison.Ordinal);
        string method = endpoint.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods[0];
        return new HttpRequestMessage(new HttpMethod(method), new Uri(path.Length == 0 ? "/" : $"/{path.TrimStart('/')}", UriKind.Relative));
    }
}
