using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Hosting.Internal;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Renewed files of the client are read again before the next handshake, and the open session continues.</summary>
public sealed class RenewalTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-renewal-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_private_authority_from_configuration_is_trusted_and_so_is_its_successor()
    {
        using X509Certificate2 successor = GatewayCertificates.MakeAuthority();
        using X509Certificate2 next = GatewayCertificates.Issue(["localhost"], issuer: successor);
        X509Certificate2 served = GatewayCertificates.Server;
        Write("ca.pem", GatewayCertificates.Authority.ExportCertificatePem());
        await using GatewayApp app = await GatewayApp.StartAsync(https: o => o.ServerCertificateSelector = (_, _) => Volatile.Read(ref served));
        await using ServiceProvider services = Services(app, new() { ["MtaTlsClient:AuthorityPath"] = "ca.pem" });
        using HttpClient client = services.GetRequiredService<IHttpClientFactory>().CreateClient("gateway");
        string session = await SessionAsync(client, app);

        Volatile.Write(ref served, next);
        Write("ca.pem", successor.ExportCertificatePem());
        Assert.Equal(session, await SessionAsync(client, app));

        app.DropConnections();
        Assert.NotEqual(session, await SessionAsync(client, app));

        // Only the new authority is trusted now.
        Volatile.Write(ref served, GatewayCertificates.Server);
        app.DropConnections();
        await Assert.ThrowsAsync<HttpRequestException>(() => SessionAsync(client, app));
    }

    [Fact]
    public async Task A_renewed_client_certificate_is_sent_in_the_next_handshake()
    {
        using X509Certificate2 one = GatewayCertificates.Issue(["one.test"]), two = GatewayCertificates.Issue(["two.test"]);
        await using GatewayApp app = await GatewayApp.StartAsync(https: o =>
        {
            o.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            o.ClientCertificateValidation = static (_, _, _) => true;
        });
        Write("ca.pem", GatewayCertificates.Authority.ExportCertificatePem());
        PemFiles.Write(_folder.FullName, "client", one);
        await using ServiceProvider services = Services(app, new()
        {
            ["MtaTlsClient:AuthorityPath"] = "ca.pem",
            ["MtaTlsClient:ClientCertificate:Path"] = "client.pem",
            ["MtaTlsClient:ClientCertificate:KeyPath"] = "client.key",
        });
        using HttpClient client = services.GetRequiredService<IHttpClientFactory>().CreateClient("gateway");
        Assert.Equal("CN=one.test", await client.GetStringAsync(app.Uri("/certificate")));

        PemFiles.Write(_folder.FullName, "client", two);
        Assert.Equal("CN=one.test", await client.GetStringAsync(app.Uri("/certificate")));
        Assert.Equal(1, app.Connections);

        app.DropConnections();
        Assert.Equal("CN=two.test", await client.GetStringAsync(app.Uri("/certificate")));
    }

    private static async Task<string> SessionAsync(HttpClient client, GatewayApp app) => (await client.GetStringAsync(app.Uri("/channel"))).Split(' ')[2];

    private void Write(string name, string text)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    private ServiceProvider Services(GatewayApp app, Dictionary<string, string?> settings)
    {
        settings["MtaTlsClient:Host"] = "localhost";
        settings["MtaTlsClient:Port"] = $"{app.Port}";
        settings["MtaTlsClient:Mode"] = "Required";
        ServiceCollection services = new();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddSingleton<Microsoft.Extensions.Hosting.IHostEnvironment>(new HostingEnvironment { ContentRootPath = _folder.FullName });
        services.AddHttpClient("gateway", static c => c.Timeout = Wait.Timeout).UseMtaTls();
        return services.BuildServiceProvider();
    }
}
