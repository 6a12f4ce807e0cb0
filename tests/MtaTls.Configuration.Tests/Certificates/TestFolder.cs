using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Configuration.Tests;

/// <summary>A folder with certificate files, and the authority that issued the certificates.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-configuration-");

    public string Root => _folder.FullName;

    public static X509Certificate2 Create(string name, bool authority = false, X509Certificate2? issuer = null, string? usage = null, int daysLeft = 30)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, critical: true));
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        }

        DateTimeOffset now = DateTimeOffset.UtcNow;
        if (issuer is null)
        {
            return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(daysLeft));
        }

        // The issuer was created earlier, possibly in the previous second, so its certificate expires first. An issued certificate must not expire later.
        DateTimeOffset end = now.AddDays(daysLeft), lastEnd = issuer.NotAfter;
        using X509Certificate2 certificate = request.Create(issuer, now.AddDays(-1), end < lastEnd ? end : lastEnd, RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    public string Path(string name) => System.IO.Path.Combine(Root, name);

    /// <summary>Writes a file in one step, as tools that renew certificates do.</summary>
    public string Write(string name, string text)
    {
        string path = Path(name);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
        return path;
    }

    public string WriteKey(string name, X509Certificate2 certificate) => Write(name, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());

    public string WriteEncryptedKey(string name, X509Certificate2 certificate, string password)
        => Write(name, certificate.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));

    public string WriteCertificates(string name, params X509Certificate2[] certificates) => Write(name, string.Concat(certificates.Select(static c => c.ExportCertificatePem() + "\n")));

    public string WritePkcs12(string name, string? password, params X509Certificate2[] certificates)
    {
        string path = Path(name);
        File.WriteAllBytes(path, new X509Certificate2Collection(certificates).Export(X509ContentType.Pfx, password)!);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
