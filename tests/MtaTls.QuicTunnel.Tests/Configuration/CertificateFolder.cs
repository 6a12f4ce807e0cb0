using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel.Tests.Configuration;

/// <summary>Writes certificates as files.</summary>
internal static class CertificateFolder
{
    /// <summary>Writes <c>name.pem</c> and <c>name.key</c>, and the authority as <c>ca.pem</c> or with another name, each in one step, like tools that renew certificates.</summary>
    public static void Write(string directory, string name, X509Certificate2 certificate, X509Certificate2 authority, string authorityName = "ca")
    {
        Replace(Path.Combine(directory, $"{name}.key"), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Replace(Path.Combine(directory, $"{name}.pem"), certificate.ExportCertificatePem());
        Replace(Path.Combine(directory, $"{authorityName}.pem"), authority.ExportCertificatePem());
    }

    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
