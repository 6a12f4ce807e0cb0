using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>Certificates of gateways, for servers and clients, identified by a URI.</summary>
internal static class NodeCertificates
{
    public const string GatewayName = "spiffe://example.org/gateway";

    public static X509Certificate2 Gateway { get; } = Issue(GatewayName, TestCertificates.Root);

    public static X509Certificate2 Stranger { get; } = Issue("spiffe://example.org/stranger", TestCertificates.Root);

    public static X509Certificate2 OtherAuthority { get; } = Issue(GatewayName, TestCertificates.OtherRoot);

    public static X509Certificate2 Issue(string uri, X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=gateway", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        SubjectAlternativeNameBuilder names = new();
        names.AddUri(new Uri(uri));
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 issued = request.Create(
            authority.SubjectName, X509SignatureGenerator.CreateForECDsa(authority.GetECDsaPrivateKey()!), DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }
}
