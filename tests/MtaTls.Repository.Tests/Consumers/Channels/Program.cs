// An application that uses all packages except the reverse proxy from NuGet: a server, a client, an agent and both ends of a tunnel.
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.QuicTunnel;

if (args is ["concentrator"])
{
    WebApplicationBuilder concentrator = WebApplication.CreateSlimBuilder(args);
    concentrator.AddQuicTunnel();
    concentrator.Build().Run();
    return 0;
}

if (args is ["agent"])
{
    WebApplicationBuilder agent = WebApplication.CreateSlimBuilder(args);
    agent.WebHost.UseMtaTlsAgent();
    await using WebApplication served = agent.Build();
    served.MapGet("/", () => "through a gateway");
    await served.RunAsync();
    return 0;
}

if (args is ["tunnel"])
{
    HostApplicationBuilder tunnel = Host.CreateApplicationBuilder(args);
    tunnel.AddQuicTunnelClient();
    tunnel.Build().Run();
    return 0;
}

using X509Certificate2 certificate = MakeCertificate();
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.UseKestrelHttpsConfiguration();
builder.WebHost.UseMtaTls();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.UseHttps(certificate)));
await using WebApplication app = builder.Build();
app.MapGet("/", (HttpContext context) => context.Features.Get<IMtaTlsChannelFeature>() is null ? "a connection" : "a channel");
await app.StartAsync();
if (args is ["serve", string file])
{
    await File.WriteAllTextAsync(file, certificate.ExportCertificatePem());
    Console.WriteLine(new Uri(app.Urls.First()).Port);
    await Console.In.ReadLineAsync();
    return 0;
}

var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
trust.CustomTrustStore.Add(certificate);
var origin = new Uri(app.Urls.First());
await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(new MtaTlsClientOptions
{
    Host = "localhost",
    Port = origin.Port,
    Mode = MtaTlsClientMode.Required,
    ApplicationProtocols = [SslApplicationProtocol.Http11],
    CertificateChainPolicy = trust,
});
using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client));
string inChannel = await http.GetStringAsync(new Uri($"https://localhost:{origin.Port}/"));
using var plain = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = trust } });
string ordinary = await plain.GetStringAsync(new Uri($"https://localhost:{origin.Port}/"));
Console.WriteLine($"{inChannel}, {ordinary}, {client.GetStatistics().Handshakes} handshake");
return 0;

static X509Certificate2 MakeCertificate()
{
    using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
    var names = new SubjectAlternativeNameBuilder();
    names.AddDnsName("localhost");
    request.CertificateExtensions.Add(names.Build());
    using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(7));
    return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
}
