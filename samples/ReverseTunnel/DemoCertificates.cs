using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ReverseTunnelSample;

/// <summary>An authority, and the certificates of the gateway and of the plant, in temporary files.</summary>
internal sealed class DemoCertificates : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-reverse-tunnel-");

    public DemoCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=Reverse tunnel demonstration", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using X509Certificate2 authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddDays(7));
        File.WriteAllText(Authority, authority.ExportCertificatePem());

        SubjectAlternativeNameBuilder gateway = new();
        gateway.AddDnsName("localhost");
        gateway.AddDnsName("plant.example.com");
        Write("gateway", authority, gateway, "1.3.6.1.5.5.7.3.1");

        SubjectAlternativeNameBuilder plant = new();
        plant.AddUri(new Uri("spiffe://example.org/plant"));
        Write("plant", authority, plant, "1.3.6.1.5.5.7.3.2");
    }

    public string Authority => Path("authority.pem");

    public string Path(string file) => System.IO.Path.Combine(_folder.FullName, file);

    public X509ChainPolicy Trust()
    {
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(Authority);
        return policy;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Write(string name, X509Certificate2 authority, SubjectAlternativeNameBuilder names, string purpose)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        using X509Certificate2 certificate = request.Create(authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Path($"{name}.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path($"{name}.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
