using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel.Tests.Configuration;

/// <summary>Certificates as files.</summary>
internal static class CertificateFolder
{
    /// <summary>Writes <c>name.pem</c> and <c>name.key</c>, and the authority as <c>ca.pem</c>, each in one step as tools that renew certificates do.</summary>
    public static void Write(string directory, string name, X509Certificate2 certificate, X509Certificate2 authority)
    {
        Replace(Path.Combine(directory, $"{name}.key"), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Replace(Path.Combine(directory, $"{name}.pem"), certificate.ExportCertificatePem());
        Replace(Path.Combine(directory, "ca.pem"), authority.ExportCertificatePem());
    }

    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
