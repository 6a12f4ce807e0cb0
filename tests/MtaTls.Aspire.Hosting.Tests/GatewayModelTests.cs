using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging.Abstractions;

namespace MtaTls.Aspire.Hosting.Tests;

/// <summary>The app host's model: endpoints, arguments and settings, as its manifest contains them.</summary>
public sealed class GatewayModelTests
{
    private readonly IDistributedApplicationBuilder _builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, ProjectDirectory = Path.GetTempPath() });

    [Fact]
    public async Task A_gateway_has_endpoints_a_health_check_and_no_configuration_file()
    {
        IResourceBuilder<MtaTlsGatewayResource> gateway = _builder.AddMtaTlsGateway("gw", 8443);
        Assert.Equal("mtatls", gateway.Resource.Command);
        EndpointAnnotation[] endpoints = [.. gateway.Resource.Annotations.OfType<EndpointAnnotation>()];
        Assert.Equal([("https", "https", 8443), ("health", "http", null)], endpoints.Select(static e => (e.Name, e.UriScheme, e.Port)));
        Assert.True(gateway.Resource.HttpsEndpoint.Exists);
        Assert.Single(gateway.Resource.Annotations.OfType<HealthCheckAnnotation>());
        Assert.IsType<IResourceWithWaitSupport>(gateway.Resource, exactMatch: false);
        Assert.Equal(["serve", "--no-config"], await ArgumentsAsync(gateway));
        Dictionary<string, string> environment = await EnvironmentAsync(gateway);
        Assert.Equal("https://localhost:{gw.bindings.https.targetPort}", environment["MtaTls__Endpoints__Aspire__Url"]);
        Assert.Equal("http://127.0.0.1:{gw.bindings.health.targetPort}", environment["Gateway__HealthUrl"]);
    }

    [Fact]
    public async Task Two_gateways_have_management_sockets_of_their_own() => Assert.NotEqual(
        (await EnvironmentAsync(_builder.AddMtaTlsGateway("one")))["MTATLS_SOCKET"], (await EnvironmentAsync(_builder.AddMtaTlsGateway("two")))["MTATLS_SOCKET"]);

    [Fact]
    public async Task A_configuration_file_is_relative_to_the_app_host()
    {
        IResourceBuilder<MtaTlsGatewayResource> gateway = _builder.AddMtaTlsGateway("gw").WithConfiguration("gateway/appsettings.json");
        Assert.Equal(["serve", "--config", Path.Combine(Path.GetTempPath(), "gateway", "appsettings.json")], await ArgumentsAsync(gateway));
    }

    [Fact]
    public async Task Agents_have_rules_after_those_of_the_file_and_hosts()
    {
        Dictionary<string, string> environment = await EnvironmentAsync(_builder.AddMtaTlsGateway("gw").WithAgents("shop.dev.localhost", "ssh.dev.localhost:22").WithAgents("*.apps.dev.localhost"));
        Assert.Equal("shop.dev.localhost", environment["MtaTls__Agents__Rules__1000000__Names__0"]);
        Assert.Equal("ssh.dev.localhost:22", environment["MtaTls__Agents__Rules__1000000__Names__1"]);
        Assert.Equal("*.apps.dev.localhost", environment["MtaTls__Agents__Rules__1000001__Names__0"]);
        Assert.Equal("true", environment["MtaTls__Agents__Rules__1000001__AllowAnonymous"]);
        Assert.Equal(
            ["shop.dev.localhost=shop.dev.localhost", "{name}.apps.dev.localhost={name}.apps.dev.localhost"],
            environment.Where(static e => e.Key.StartsWith("Gateway__AgentHosts__", StringComparison.Ordinal)).Select(static e => $"{e.Key["Gateway__AgentHosts__".Length..]}={e.Value}"));
    }

    [Fact]
    public async Task A_route_to_HTTP_is_one_of_YARP_and_any_other_one_of_channels()
    {
        IResourceBuilder<ExecutableResource> app = _builder.AddExecutable("app", "app", ".").WithHttpEndpoint().WithEndpoint(scheme: "tcp", name: "sql");
        Dictionary<string, string> environment = await EnvironmentAsync(
            _builder.AddMtaTlsGateway("gw").WithRoute("app.internal", app.GetEndpoint("http")).WithRoute("sql.internal", app.GetEndpoint("sql")));
        Assert.Equal("app.internal", environment["ReverseProxy__Routes__aspire-0__Match__Hosts__0"]);
        Assert.Equal("aspire-0", environment["ReverseProxy__Routes__aspire-0__ClusterId"]);
        Assert.Equal("{app.bindings.http.url}", environment["ReverseProxy__Clusters__aspire-0__Destinations__http__Address"]);
        Assert.Equal("sql.internal", environment["MtaTls__Channels__1000001__Hosts__0"]);
        Assert.Equal("Tcp", environment["MtaTls__Channels__1000001__Action"]);
        Assert.Equal(["127.0.0.0/8", "::1/128"], from key in (string[])["0", "1"] select environment[$"MtaTls__Channels__1000001__AllowedNetworks__{key}"]);
        Assert.DoesNotContain("MtaTls__Channels__1000001__AllowedNetworks__2", environment);
        Assert.Equal("{app.bindings.sql.host}:{app.bindings.sql.port}", environment["MtaTls__Channels__1000001__Upstream"]);
    }

    [Fact]
    public async Task A_reference_has_the_settings_of_agents_and_clients_and_service_discovery()
    {
        IResourceBuilder<MtaTlsGatewayResource> one = _builder.AddMtaTlsGateway("gw1"), two = _builder.AddMtaTlsGateway("gw2");
        IResourceBuilder<ExecutableResource> app = _builder.AddExecutable("app", "app", ".").WithReference(one, "a.dev.localhost", "b.dev.localhost").WithReference(two, "c.dev.localhost");
        Dictionary<string, string> environment = await EnvironmentAsync(app);
        Assert.Equal(
            ["{gw1.bindings.https.url}", "{gw2.bindings.https.url}", "a.dev.localhost", "b.dev.localhost", "c.dev.localhost"],
            from key in (string[])["MtaTlsAgent__Gateways__0", "MtaTlsAgent__Gateways__1", "MtaTlsAgent__Names__0", "MtaTlsAgent__Names__1", "MtaTlsAgent__Names__2"] select environment[key]);
        Assert.Equal("{gw2.bindings.https.host}:{gw2.bindings.https.port}", environment["MtaTlsClient__Endpoints__1"]);
        Assert.Equal("{gw1.bindings.https.url}", environment["services__gw1__https__0"]);
        Assert.Equal(2, app.Resource.Annotations.OfType<ResourceRelationshipAnnotation>().Count(r => r.Resource == one.Resource || r.Resource == two.Resource));
    }

    [Fact]
    public async Task A_reference_without_names_leaves_those_of_the_app() => Assert.DoesNotContain(
        "MtaTlsAgent__Names__0", await EnvironmentAsync(_builder.AddExecutable("app", "app", ".").WithReference(_builder.AddMtaTlsGateway("gw"))));

    [Fact]
    public void Invalid_arguments_throw_at_once()
    {
        IResourceBuilder<MtaTlsGatewayResource> gateway = _builder.AddMtaTlsGateway("gw");
        Assert.Throws<ArgumentOutOfRangeException>(() => _builder.AddMtaTlsGateway("other", 65_536));
        Assert.Throws<ArgumentOutOfRangeException>(() => _builder.AddMtaTlsGateway("other", 0));
        Assert.Throws<ArgumentException>(() => gateway.WithAgents());
        Assert.Throws<ArgumentException>(() => gateway.WithAgents("a.internal", " "));
        Assert.Throws<ArgumentException>(() => gateway.WithRoute("", gateway.GetEndpoint("https")));
        Assert.Throws<ArgumentException>(() => gateway.WithConfiguration(""));
        Assert.Throws<ArgumentException>(() => _builder.AddExecutable("app", "app", ".").WithReference(gateway, ""));
    }

    private static async Task<string[]> ArgumentsAsync(IResourceBuilder<IResource> resource) => [.. (await ConfigurationAsync(resource)).Arguments.Select(static a => a.Value)];

    private static async Task<Dictionary<string, string>> EnvironmentAsync(IResourceBuilder<IResource> resource) => (await ConfigurationAsync(resource)).EnvironmentVariables.ToDictionary();

    private static async Task<IExecutionConfigurationResult> ConfigurationAsync(IResourceBuilder<IResource> resource) => await ExecutionConfigurationBuilder.Create(resource.Resource)
        .WithArgumentsConfig().WithEnvironmentVariablesConfig()
        .BuildAsync(new DistributedApplicationExecutionContext(DistributedApplicationOperation.Publish), NullLogger.Instance, TestContext.Current.CancellationToken);
}
