// A console application without ASP.NET Core's shared framework. Arguments: the server's port, and its certificate as a PEM file.
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;

var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
trust.CustomTrustStore.ImportFromPemFile(args[1]);
var services = new ServiceCollection();
services.AddHttpClient("channels").UseMtaTls(options =>
{
    options.Host = "localhost";
    options.Port = int.Parse(args[0], CultureInfo.InvariantCulture);
    options.ApplicationProtocols = [SslApplicationProtocol.Http11];
    options.CertificateChainPolicy = trust;
});
await using ServiceProvider provider = services.BuildServiceProvider();
using HttpClient http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("channels");
Console.WriteLine(await http.GetStringAsync(new Uri($"https://localhost:{args[0]}/")));
