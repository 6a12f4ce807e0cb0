// A gateway with YARP, its backend and a client in one process, with MtaTls.ReverseProxy from NuGet.
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Client;

WebApplicationBuilder backendBuilder = WebApplication.CreateSlimBuilder();
backendBuilder.Logging.SetMinimumLevel(LogLevel.Warning);
backendBuilder.WebHost.UseUrls("http://127.0.0.1:0");
await using WebApplication backend = backendBuilder.Build();
backend.MapGet("/{**path}", (HttpContext context) => $"{context.Request.Path} for {context.Request.Headers["X-Forwarded-Host"]}");
await backend.StartAsync();

using X509Certificate2 certificate = MakeCertificate();
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
{
    ["MtaTls:Channels:0:Hosts:0"] = "*.internal",
    ["MtaTls:Channels:0:Action"] = "Http",
    ["ReverseProxy:Routes:pages:ClusterId"] = "pages",
    ["ReverseProxy:Routes:pages:Match:Path"] = "{**path}",
    ["ReverseProxy:Routes:pages:Metadata:MtaTls:Destination"] = "pages.internal",
    ["ReverseProxy:Clusters:pages:Destinations:one:Address"] = backend.Urls.First(),
});
builder.WebHost.UseMtaTls();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.UseHttps(certificate)));
builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsRouting();
builder.Services.AddHttpClient("ordinary");
await using WebApplication app = builder.Build();
app.MapReverseProxy();
await app.StartAsync();

var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
trust.CustomTrustStore.Add(certificate);
await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(new MtaTlsClientOptions
{
    Host = "localhost",
    Port = new Uri(app.Urls.First()).Port,
    Mode = MtaTlsClientMode.Required,
    ApplicationProtocols = [SslApplicationProtocol.Http11],
    CertificateChainPolicy = trust,
});
using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client));
Console.WriteLine(await http.GetStringAsync(new Uri("https://pages.internal/hello")));
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
