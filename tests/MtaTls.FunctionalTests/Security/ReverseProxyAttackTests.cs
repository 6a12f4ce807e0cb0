using System.Net;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Routing;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Security;

/// <summary>Attempts of a client of the reverse proxy to appear as another client, or to reach a destination that no route allows.</summary>
public sealed class ReverseProxyAttackTests
{
    // The route matches by Host, and the transform uses the channel's destination. A client that may have one of the two must not get the other.
    [Fact]
    public async Task The_transform_refuses_requests_that_name_another_host_than_their_channel()
    {
        await using TestApp backend = await Backend.StartAsync("backend");
        await using TestApp gateway = await StartAsync($$"""
            { "ReverseProxy": {
              "Routes": { "public": { "ClusterId": "apps", "Match": { "Hosts": [ "public.internal" ], "Path": "{**path}" }, "Transforms": [ { "MtaTlsDestination": "true" } ] } },
              "Clusters": { "apps": { "Destinations": { "d": { "Address": "http://127.0.0.1:{{backend.Port}}" } } } } } }
            """);
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Assert.Equal("public.internal", (await client.GetSeenAsync("https://public.internal/")).Host);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, await client.GetStatusAsync("https://secret.internal/", "public.internal"));
        Assert.Equal("public.internal", (await client.GetSeenAsync("https://public.internal/")).Host);
        Assert.Single(await gateway.LoggedAsync("RequestMisdirected"));
    }

    [Theory]
    [InlineData("Forwarded", "for=10.0.0.1")]
    [InlineData("X-Forwarded-For", "10.0.0.1")]
    [InlineData("X-Forwarded-Host", "admin.internal")]
    [InlineData("X-Forwarded-Proto", "gopher")]
    [InlineData("X-Forwarded-Prefix", "/admin")]
    [InlineData("x-forwarded-port", "81")]
    [InlineData("X-Forwarded-Client-Cert", "Subject=\"CN=admin\"")]
    [InlineData("X-Real-IP", "10.0.0.1")]
    public async Task The_forwarder_removes_forwarding_headers_of_the_request(string name, string value)
    {
        await using TestApp backend = await Backend.StartAsync("backend", map: static app => app.MapGet("/header/{name}", (string name, HttpRequest request) => request.Headers[name].ToString()));
        await using TestApp gateway = await StartAsync($$"""{ "MtaTls": { "Destinations": { "app1.internal": "http://127.0.0.1:{{backend.Port}}" } } }""", static app => app.MapMtaTlsForwarder());
        using HttpClient client = GatewayClient.Create(gateway.Port);
        using HttpRequestMessage request = new(HttpMethod.Get, $"https://app1.internal/header/{name}");
        Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        using HttpResponseMessage response = await client.SendAsync(request);
        Assert.DoesNotContain(value, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_route_that_removes_forwarding_headers_sends_neither_the_clients_nor_its_claim()
    {
        await using TestApp backend = await Backend.StartAsync("backend");
        await using TestApp gateway = await StartAsync($$"""
            { "MtaTls": { "TrustedPeers": [ { "Networks": [ "127.0.0.0/8" ] } ] },
              "ReverseProxy": {
              "Routes": { "all": { "ClusterId": "apps", "Match": { "Path": "{**path}" }, "Transforms": [ { "RequestHeadersCopy": "false" }, { "X-Forwarded": "Remove" } ] } },
              "Clusters": { "apps": { "Destinations": { "d": { "Address": "http://127.0.0.1:{{backend.Port}}" } } } } } }
            """);
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Assert.Equal("", (await client.GetSeenAsync("https://app1.internal/", static r => r.Headers.Add("X-Forwarded-For", "10.0.0.1"))).ForwardedFor);
    }

    [Fact]
    public async Task An_open_that_fails_unforeseen_is_refused_and_does_not_stay_pending()
    {
        await using TestApp gateway = await Gateway.StartAsync(
            """{ "MtaTls": { "Limits": { "MaxPendingChannels": 1 }, "Channels": [ { "Hosts": [ "db.internal" ], "Action": "Tcp", "AllowAnonymous": true } ] } }""",
            configure: builder => builder.Services.AddSingleton<IHostResolver, FailingResolver>());
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        for (int i = 0; i < 3; i++)
        {
            MtaTlsChannelRefusedException refusal = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("db.internal", 5432));
            Assert.Equal("Not available.", refusal.Reason);
        }

        Assert.Equal(3, (await gateway.LoggedAsync("ForwardingFailed", 3)).Length);
        Assert.Equal("app", await client.GetAsync());
    }

    // Without builder.WebHost.UseMtaTls(), requests are not compared with their channel's destination.
    [Fact]
    public async Task Channel_routes_without_UseMtaTls_of_the_host_do_not_apply_after_a_change()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
            {
                endpoint.UseMtaTls();
                endpoint.UseHttps(o => o.ServerCertificate = TestCertificates.Server);
            })),
            files: directory => Gateway.Write(directory, "{}"));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await client.GetAsync());
        Gateway.Write(app.ContentRoot, """{ "MtaTls": { "Channels": [ { "Hosts": [ "app.test" ], "Action": "Reject" } ] } }""");
        await Wait.UntilAsync(() => app.Messages("OptionsReloaded").Length + app.Messages("OptionsNotReloaded").Length > 0);
        Assert.Contains("MtaTls:Channels", Assert.Single(await app.LoggedAsync("OptionsNotReloaded")), StringComparison.Ordinal);
        Assert.Equal("hello", await client.GetAsync());
    }

    private static Task<TestApp> StartAsync(string settings, Action<WebApplication>? map = null) => Gateway.StartAsync(
        settings,
        map ?? (static app => app.MapReverseProxy()),
        configure: static builder => builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsRouting());

    private sealed class FailingResolver : IHostResolver
    {
        public Task<IPAddress[]> ResolveAsync(string name, ClientAddress client, CancellationToken cancellationToken) => throw new InvalidOperationException("No network.");
    }
}
