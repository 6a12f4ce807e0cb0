using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic.Tests.Support;

/// <summary>A certificate authority for the tests, and certificates from it.</summary>
internal sealed class TestCertificates
{
    /// <summary>The instance that all tests share.</summary>
    public static readonly TestCertificates Instance = new("CN=test authority");

    private readonly X509Certificate2 _authority;

    public TestCertificates(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddYears(2));
        Server = Create("CN=localhost", server: true);
        Client = Create("CN=laptop-1", server: false);
    }

    public X509Certificate2 Authority => X509CertificateLoader.LoadCertificate(_authority.RawData);

    public X509Certificate2Collection Authorities => [Authority];

    /// <summary>A server certificate for localhost, 127.0.0.1 and ::1.</summary>
    public X509Certificate2 Server { get; }

    /// <summary>A client certificate with the subject CN=laptop-1.</summary>
    public X509Certificate2 Client { get; }

    /// <summary>Creates a revocation list of the authority, as PEM.</summary>
    public string CreateRevocationList(params X509Certificate2[] revoked)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (X509Certificate2 certificate in revoked)
        {
            builder.AddEntry(certificate);
        }

        var generator = X509SignatureGenerator.CreateForECDsa(_authority.GetECDsaPrivateKey()!);
        byte[] der = builder.Build(_authority.SubjectName, generator, 1, DateTimeOffset.UtcNow.AddDays(30), HashAlgorithmName.SHA256, X509AuthorityKeyIdentifierExtension.Create([1], _authority.SubjectName, [1]));
        return PemEncoding.WriteString("X509 CRL", der);
    }

    /// <summary>Creates a certificate of a concentrator for the others, as server and client, with a DNS name.</summary>
    public X509Certificate2 CreateNode(string dnsName)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=a concentrator", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(dnsName);
        request.CertificateExtensions.Add(names.Build());
        byte[] serial = RandomNumberGenerator.GetBytes(12);
        serial[0] &= 0x7f;
        var generator = X509SignatureGenerator.CreateForECDsa(_authority.GetECDsaPrivateKey()!);
        using X509Certificate2 certificate = request.Create(_authority.SubjectName, generator, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(1), serial);
        return certificate.CopyWithPrivateKey(key);
    }

    public X509Certificate2 Create(string name, bool server, DateTimeOffset? notAfter = null, bool rsa = false, ECCurve? curve = null)
    {
        using var ecdsa = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256);
        using RSA? rsaKey = rsa ? RSA.Create(2048) : null;
        CertificateRequest request = rsaKey is null
            ? new CertificateRequest(name, ecdsa, HashAlgorithmName.SHA256)
            : new CertificateRequest(name, rsaKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(server ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2")], false));
        if (server)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            names.AddIpAddress(IPAddress.Loopback);
            names.AddIpAddress(IPAddress.IPv6Loopback);
            request.CertificateExtensions.Add(names.Build());
        }
        byte[] serial = RandomNumberGenerator.GetBytes(12);
        serial[0] &= 0x7f;
        ECDsa generator = _authority.GetECDsaPrivateKey()!;
        using X509Certificate2 certificate = request.Create(_authority.SubjectName, X509SignatureGenerator.CreateForECDsa(generator), DateTimeOffset.UtcNow.AddDays(-1), notAfter ?? DateTimeOffset.UtcNow.AddYears(1), serial);
        return rsaKey is null ? certificate.CopyWithPrivateKey(ecdsa) : certificate.CopyWithPrivateKey(rsaKey);
    }
}
