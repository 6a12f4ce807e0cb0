using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QuicTunnelSample;

/// <summary>Creates an authority, the concentrator's certificate and a client's certificate as PEM files. Only for demonstrations and tests.</summary>
public static class SampleCertificates
{
    public static void Write(string directory)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=QUIC tunnel demonstration", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using X509Certificate2 authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(Path.Combine(directory, "ca.pem"), authority.ExportCertificatePem());
        Issue(authority, "concentrator.example", Path.Combine(directory, "concentrator"), "1.3.6.1.5.5.7.3.1");
        Issue(authority, "laptop-1", Path.Combine(directory, "laptop-1"), "1.3.6.1.5.5.7.3.2");
    }

    private static void Issue(X509Certificate2 authority, string name, string path, string usage)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        byte[] serial = RandomNumberGenerator.GetBytes(12);
        serial[0] &= 0x7F;
        using X509Certificate2 certificate = request.Create(authority, authority.NotBefore, authority.NotAfter, serial);
        File.WriteAllText(path + ".pem", certificate.ExportCertificatePem());
        File.WriteAllText(path + ".key", key.ExportPkcs8PrivateKeyPem());
    }
}
