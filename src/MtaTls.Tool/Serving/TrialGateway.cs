using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MtaTls.Tool.Serving;

/// <summary>
/// The gateway of <c>mtatls serve --trial</c>. It listens on this machine only, makes its own certificate in memory, and lets any agent take names below <c>localhost</c>.
/// </summary>
internal sealed class TrialGateway(int port)
{
    private readonly X509Certificate2 _certificate = CreateCertificate();

    /// <summary>The command that publishes a web server at this gateway, for copying.</summary>
    public string Instructions => string.Create(
        CultureInfo.InvariantCulture,
        $"This trial gateway is for this machine only. Any agent may take a name below localhost. To publish a local web server:\n"
        + $"  mtatls http 5000 --name app1.localhost --gateway localhost:{port} --fingerprint {_certificate.GetCertHashString(HashAlgorithmName.SHA256)}");

    /// <summary>Creates a builder with only the trial's configuration.</summary>
    public WebApplicationBuilder CreateBuilder()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["MtaTls:Endpoints:Trial:Url"] = string.Create(CultureInfo.InvariantCulture, $"https://localhost:{port}"),
            ["MtaTls:Agents:Rules:0:Names:0"] = "*.localhost",
            ["MtaTls:Agents:Rules:0:AllowAnonymous"] = "true",
            ["Gateway:AgentHosts:{name}.localhost"] = "{name}.localhost",
        });
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = _certificate));
        return builder;
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mtatls trial gateway", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("*.localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(1));
    }
}
