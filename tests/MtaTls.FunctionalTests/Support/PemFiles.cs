using System.Security.Cryptography.X509Certificates;

namespace MtaTls.FunctionalTests.Support;

/// <summary>Writes certificates as PEM files.</summary>
internal static class PemFiles
{
    /// <summary>Writes <c>name.pem</c>, with the intermediates after the certificate, and <c>name.key</c>.</summary>
    public static void Write(string directory, string name, X509Certificate2 certificate, params X509Certificate2[] chain)
    {
        Replace(Path.Combine(directory, $"{name}.key"), certificate.GetECDsaPrivateKey()?.ExportPkcs8PrivateKeyPem() ?? certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Replace(Path.Combine(directory, $"{name}.pem"), string.Concat(chain.Prepend(certificate).Select(c => c.ExportCertificatePem() + "\n")));
    }

    // In one step, as tools that renew certificates do.
    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
