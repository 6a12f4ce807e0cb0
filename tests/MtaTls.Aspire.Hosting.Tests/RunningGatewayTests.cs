using System.Net;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.Client;

namespace MtaTls.Aspire.Hosting.Tests;

/// <summary>A running app host: a gateway, an app that is served through it, and the destinations of routes.</summary>
public sealed class RunningGatewayTests(ITestOutputHelper output)
{
    // Only for hangs.
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(15);

    private static readonly string s_root = FindRoot();

    [Fact]
    public async Task An_app_is_served_through_the_gateway_and_routes_lead_to_others()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.OSArchitecture == Architecture.X64, "The tests have DCP only for Linux on x64.");
        using CancellationTokenSource hang = new(s_timeout);
        using X509Certificate2 certificate = CreateCertificate();
        using var database = new DatabaseResource("database");
        await using IDistributedApplicationTestingBuilder builder = DistributedApplicationTestingBuilder.Create(args: [], static (options, _) =>
        {
            options.ProjectDirectory = Path.GetTempPath();
            options.DisableDashboard = true;
            options.EnableResourceLogging = true;
        });
        builder.Services.AddLogging(logging => logging.AddProvider(new OutputLogging(output)));
        IResourceBuilder<CertificateAuthorityCollection> authorities = builder.AddCertificateAuthorityCollection("authorities").WithCertificate(certificate);
        IResourceBuilder<MtaTlsGatewayResource> gateway = builder.AddMtaTlsGateway("gw")
            .WithCommand(Built("src", "MtaTls.Tool", "mtatls"))
            .WithHttpsCertificate(certificate)
            .WithAgents("*.dev.localhost");
        gateway.WithRoute("health.internal", gateway.GetEndpoint("health")).WithRoute("database.internal", builder.AddResource(database).GetEndpoint("tcp"));
        builder.AddExecutable("shop", Built("tests", "MtaTls.AgentHost", "MtaTls.AgentHost"), Path.GetTempPath(), "agent")
            .WithEnvironment("MtaTlsAgent__Agent", "shop")
            .WithCertificateAuthorityCollection(authorities)
            .WithReference(gateway, "shop.dev.localhost")
            .WaitFor(gateway);

        await using DistributedApplication app = await builder.BuildAsync(hang.Token);
        await app.StartAsync(hang.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("gw", hang.Token);
        Uri address = app.GetEndpoint("gw", "https");

        // Over ordinary HTTPS, as a browser does.
        using (SocketsHttpHandler https = Handler(certificate))
        using (HttpClient browser = new(https))
        {
            Assert.Equal("shop", await GetWhenRegisteredAsync(browser, address, "shop.dev.localhost", hang.Token));
        }

        // Over channels, with the address that the app's clients get.
        using SocketsHttpHandler handler = new();
        handler.UseMtaTls(Options(address, certificate));
        using (HttpClient client = new(handler))
        {
            Assert.Equal("shop", await client.GetStringAsync(new Uri("https://shop.dev.localhost/"), hang.Token));
            Assert.Equal("Healthy", await client.GetStringAsync(new Uri("https://health.internal/health"), hang.Token));
        }

        await using (MtaTlsClient client = await MtaTlsClient.ConnectAsync(Options(address, certificate), hang.Token))
        await using (MtaTlsClientChannel channel = await client.OpenChannelAsync("database.internal", 5432, hang.Token))
        using (StreamReader reader = new(channel))
        {
            Assert.Equal("hello from the database", await reader.ReadLineAsync(hang.Token));
        }

        await app.StopAsync(hang.Token);
    }

    /// <summary>Waits for the app's registration, which comes some time after the gateway is healthy. Until then no agent has the name.</summary>
    private static async Task<string> GetWhenRegisteredAsync(HttpClient client, Uri address, string host, CancellationToken hang)
    {
        while (true)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, address) { Headers = { Host = host } };
            using HttpResponseMessage response = await client.SendAsync(request, hang);
            if (response.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.ServiceUnavailable))
            {
                return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(hang);
            }

            await Task.Delay(100, hang);
        }
    }

    private static MtaTlsClientOptions Options(Uri address, X509Certificate2 certificate) => new()
    {
        Endpoints = [address.Authority],
        Mode = MtaTlsClientMode.Required,
        CertificateChainPolicy = Trust(certificate),
        ConnectTimeout = s_timeout,
        OpenTimeout = s_timeout,
    };

    private static SocketsHttpHandler Handler(X509Certificate2 certificate) => new() { SslOptions = { CertificateChainPolicy = Trust(certificate) } };

    private static X509ChainPolicy Trust(X509Certificate2 certificate) => new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificate }, RevocationMode = X509RevocationMode.NoCheck };

    /// <summary>A self-signed certificate for this machine, like the developer certificate.</summary>
    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("*.dev.localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(1));
    }

    private static string Built(string folder, string project, string program) => Path.Combine(
        s_root, folder, project, "bin", typeof(RunningGatewayTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration, "net10.0", program);

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MtaTls.AspNetCore.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("The tests are not inside the repository.");
    }
}
