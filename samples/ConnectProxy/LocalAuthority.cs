using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Samples;

/// <summary>A certificate authority for one run of the proxy. It signs a certificate for each name; its keys never leave the process.</summary>
internal sealed class LocalAuthority : IDisposable
{
    private const int MaxCertificates = 1000;
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(7);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _siteKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ConcurrentDictionary<string, X509Certificate2> _certificates = new(StringComparer.OrdinalIgnoreCase);

    public LocalAuthority()
    {
        var request = new CertificateRequest("CN=MTA-TLS local proxy", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        Certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow + s_lifetime);
    }

    /// <summary>The authority's own certificate, which clients can trust.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The hash of the public key of all certificates for names. With it Chromium accepts these certificates, but no others.</summary>
    public string SpkiHash => Convert.ToBase64String(SHA256.HashData(_siteKey.ExportSubjectPublicKeyInfo()));

    /// <summary>The certificate of a host name or IP address.</summary>
    public X509Certificate2 CertificateFor(string host) =>
        _certificates.Count < MaxCertificates ? _certificates.GetOrAdd(host, Sign) : _certificates.TryGetValue(host, out X509Certificate2? known) ? known : Sign(host);

    public void Dispose()
    {
        Certificate.Dispose();
        foreach (X509Certificate2 certificate in _certificates.Values)
        {
            certificate.Dispose();
        }

        _key.Dispose();
        _siteKey.Dispose();
    }

    private X509Certificate2 Sign(string host)
    {
        // The name is only in the extension, because it can be longer than a common name may be.
        var request = new CertificateRequest("CN=MTA-TLS local proxy's site", _siteKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        using X509Certificate2 signed = request.Create(Certificate, Certificate.NotBefore, Certificate.NotAfter, serial);
        using X509Certificate2 withKey = signed.CopyWithPrivateKey(_siteKey);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }
}
