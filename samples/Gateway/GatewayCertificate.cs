using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gateway;

/// <summary>A certificate for localhost, in temporary files. The gateway uses it, and the client trusts only this certificate.</summary>
internal sealed class GatewayCertificate : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mtatls-gateway-");

    public GatewayCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddDays(7));
        File.WriteAllText(Path, certificate.ExportCertificatePem());
        File.WriteAllText(KeyPath, key.ExportPkcs8PrivateKeyPem());
    }

    public string Path => System.IO.Path.Combine(_directory.FullName, "gateway.pem");

    public string KeyPath => System.IO.Path.Combine(_directory.FullName, "gateway.key");

    public void Dispose() => _directory.Delete(recursive: true);
}
