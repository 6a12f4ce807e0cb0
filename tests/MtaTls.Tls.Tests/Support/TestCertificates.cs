using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls.Tests.Support;

/// <summary>A small PKI that is created at run time: a root, an intermediate, and the certificates that they issue.</summary>
internal static class TestCertificates
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private static readonly DateTimeOffset s_now = DateTimeOffset.UtcNow;

    public static X509Certificate2 Root { get; } = MakeAuthority("CN=Test Root", null);

    public static X509Certificate2 Intermediate { get; } = MakeAuthority("CN=Test Intermediate", Root);

    public static X509Certificate2 OtherRoot { get; } = MakeAuthority("CN=Other Root", null);

    public static X509Certificate2 Server { get; } = Issue("CN=localhost", Root, ServerAuthentication, ["localhost", "*.example.test"]);

    public static X509Certificate2 OtherServer { get; } = Issue("CN=other.test", Root, ServerAuthentication, ["other.test"]);

    public static X509Certificate2 RsaServer { get; } = Issue("CN=localhost", Root, ServerAuthentication, ["localhost"], rsa: true);

    public static X509Certificate2 ServerBelowIntermediate { get; } = Issue("CN=localhost", Intermediate, ServerAuthentication, ["localhost"]);

    public static X509Certificate2 ExpiredServer { get; } = Issue("CN=localhost", Root, ServerAuthentication, ["localhost"], notAfter: s_now.AddDays(-1));

    public static X509Certificate2 Client { get; } = Issue("CN=client", Root, ClientAuthentication, ["client.test"]);

    public static X509Certificate2 OtherClient { get; } = Issue("CN=other client", Root, ClientAuthentication, ["other-client.test"]);

    public static X509Certificate2 ExpiredClient { get; } = Issue("CN=expired", Root, ClientAuthentication, ["client.test"], notAfter: s_now.AddDays(-1));

    public static X509Certificate2 UntrustedClient { get; } = Issue("CN=stranger", OtherRoot, ClientAuthentication, ["client.test"]);

    public static X509Certificate2 ClientForServersOnly { get; } = Issue("CN=wrong purpose", Root, ServerAuthentication, ["client.test"]);

    /// <summary>A policy that trusts only <see cref="Root"/>, and not the machine's roots.</summary>
    public static X509ChainPolicy TrustRoot()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.Add(Root);
        return policy;
    }

    public static X509Certificate2 Issue(
        string subject, X509Certificate2 issuer, string purpose, string[] names, DateTimeOffset? notAfter = null, bool rsa = false)
    {
        using var ecdsaKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsaKey = RSA.Create(2048);
        CertificateRequest request = rsa
            ? new CertificateRequest(subject, rsaKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest(subject, ecdsaKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            alternatives.AddDnsName(name);
        }

        alternatives.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(alternatives.Build());
        using X509Certificate2 issued = request.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuer.GetECDsaPrivateKey()!),
            s_now.AddDays(-10), notAfter ?? s_now.AddDays(100), RandomNumberGenerator.GetBytes(8));
        return rsa ? issued.CopyWithPrivateKey(rsaKey) : issued.CopyWithPrivateKey(ecdsaKey);
    }

    private static X509Certificate2 MakeAuthority(string subject, X509Certificate2? issuer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        if (issuer is null)
        {
            return request.CreateSelfSigned(s_now.AddDays(-20), s_now.AddDays(200));
        }

        using X509Certificate2 issued = request.Create(issuer, s_now.AddDays(-15), s_now.AddDays(150), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }
}
