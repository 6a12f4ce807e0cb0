using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tool.Gateways;

/// <summary>The properties of a certificate that commands print.</summary>
internal sealed record CertificateFacts(string Subject, string Issuer, IReadOnlyList<string> Names, DateTimeOffset NotBefore, DateTimeOffset NotAfter, string KeyAlgorithm, string Sha256)
{
    public static CertificateFacts Of(X509Certificate2 certificate)
    {
        List<string> names = [];
        if (certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault() is { } alternative)
        {
            names.AddRange(alternative.EnumerateDnsNames());
            names.AddRange(alternative.EnumerateIPAddresses().Select(static a => a.ToString()));
        }

        return new CertificateFacts(
            certificate.Subject,
            certificate.Issuer,
            names,
            new DateTimeOffset(certificate.NotBefore).ToUniversalTime(),
            new DateTimeOffset(certificate.NotAfter).ToUniversalTime(),
            certificate.PublicKey.Oid.FriendlyName ?? certificate.PublicKey.Oid.Value ?? "unknown",
            Convert.ToHexStringLower(SHA256.HashData(certificate.RawDataMemory.Span)));
    }
}
