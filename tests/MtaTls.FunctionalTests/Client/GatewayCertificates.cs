using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.FunctionalTests.Client;

/// <summary>A certificate authority that is created for each run of the tests, and certificates that it issues.</summary>
internal static class GatewayCertificates
{
    private static readonly Lazy<X509Certificate2> s_authority = new(MakeAuthority);

    private static readonly Lazy<X509Certificate2> s_server = new(() => Issue(["localhost", "gateway.test"]));

    public static X509Certificate2 Authority => s_authority.Value;

    /// <summary>For localhost, gateway.test, 127.0.0.1 and ::1.</summary>
    public static X509Certificate2 Server => s_server.Value;

    /// <summary>Creates a policy that trusts only <see cref="Authority"/>.</summary>
    public static X509ChainPolicy Trust()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(Authority);
        return policy;
    }

    public static X509Certificate2 Issue(string[] names, int daysLeft = 30, bool loopback = true, X509Certificate2? issuer = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + names[0], key, HashAlgorithmName.SHA256);
        var subject = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            subject.AddDnsName(name);
        }

        if (loopback)
        {
            subject.AddIpAddress(IPAddress.Loopback);
            subject.AddIpAddress(IPAddress.IPv6Loopback);
        }
        request.CertificateExtensions.Add(subject.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 certificate = request.Create(issuer ?? Authority, now.AddDays(-100), now.AddDays(daysLeft), RandomNumberGenerator.GetBytes(16));
        using X509Certificate2 withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
    }

    public static X509Certificate2 MakeAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-200), DateTimeOffset.UtcNow.AddDays(200));
    }
}
