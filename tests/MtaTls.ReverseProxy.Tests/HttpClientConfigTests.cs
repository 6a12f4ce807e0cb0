using System.Security.Authentication;
using MtaTls.Client;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Tests;

/// <summary>Each member of YARP's HttpClientConfig applies to a cluster with a gateway, or is an error. None is ignored.</summary>
public sealed class HttpClientConfigTests
{
    private static readonly HashSet<string> s_ofTheSession = [nameof(HttpClientConfig.SslProtocols), nameof(HttpClientConfig.DangerousAcceptAnyServerCertificate)];
    private static readonly HashSet<string> s_refused = [nameof(HttpClientConfig.WebProxy)];

    /// <summary>Members that YARP's own factory applies to the handler, with or without channels.</summary>
    private static readonly HashSet<string> s_ofTheHandler =
    [
        nameof(HttpClientConfig.MaxConnectionsPerServer), nameof(HttpClientConfig.EnableMultipleHttp2Connections), nameof(HttpClientConfig.RequestHeaderEncoding), nameof(HttpClientConfig.ResponseHeaderEncoding),
    ];

    /// <summary>Fails if a new version of YARP has a new member, until this package handles it.</summary>
    [Fact]
    public void Every_member_is_known() =>
        Assert.Equal(typeof(HttpClientConfig).GetProperties().Select(static p => p.Name).Order(), s_ofTheSession.Union(s_refused).Union(s_ofTheHandler).Order());

    [Fact]
    public async Task Tls_settings_apply_to_the_gateways_session()
    {
        MtaTlsClientOptions? options = null;
        await using ServiceProvider services = Services((_, o) => options = o);
        using HttpMessageInvoker client = services.GetRequiredService<IForwarderHttpClientFactory>().CreateClient(
            Context(new HttpClientConfig { SslProtocols = SslProtocols.Tls13, DangerousAcceptAnyServerCertificate = true }));
        Assert.Equal(SslProtocols.Tls13, options!.EnabledSslProtocols);
        Assert.True(options.RemoteCertificateValidationCallback!(this, null, null, System.Net.Security.SslPolicyErrors.RemoteCertificateNotAvailable));
    }

    [Fact]
    public async Task A_proxy_is_refused_when_the_configuration_is_loaded_and_when_a_client_is_made()
    {
        var config = new HttpClientConfig { WebProxy = new WebProxyConfig { Address = new Uri("http://proxy.test:3128") } };
        await using ServiceProvider services = Services();
        IList<Exception> errors = await services.GetRequiredService<IConfigValidator>().ValidateClusterAsync(Cluster(config));
        Assert.Contains(errors, static e => e.Message.Contains("Cluster 'one': HttpClient:WebProxy", StringComparison.Ordinal));
        Assert.Throws<InvalidOperationException>(() => services.GetRequiredService<IForwarderHttpClientFactory>().CreateClient(Context(config)));
        Assert.Empty(await services.GetRequiredService<IConfigValidator>().ValidateClusterAsync(Cluster(new HttpClientConfig { WebProxy = new WebProxyConfig() })));
    }

    private static ServiceProvider Services(Action<ForwarderHttpClientContext, MtaTlsClientOptions>? configure = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddLogging();
        services.AddReverseProxy().LoadFromMemory([], []).AddMtaTlsHttpClient(configure);
        return services.BuildServiceProvider();
    }

    private static ForwarderHttpClientContext Context(HttpClientConfig config) => new() { ClusterId = "one", NewConfig = config, NewMetadata = Cluster(config).Metadata };

    private static ClusterConfig Cluster(HttpClientConfig config) => new()
    {
        ClusterId = "one",
        HttpClient = config,
        Metadata = new Dictionary<string, string> { [MtaTlsMetadata.Gateway] = "https://gateway.test:8443" },
        Destinations = new Dictionary<string, DestinationConfig> { ["a"] = new() { Address = "https://app.test/" } },
    };
}
