using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Certificates;

/// <summary>Makes certificates for trials: an authority, and certificates for servers and clients that it signs. Keys are P-256, files are PEM.</summary>
internal sealed class TrialCertificates(DirectoryInfo directory, bool overwrite)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private string AuthorityPath => Path.Combine(directory.FullName, "ca.pem");

    private string AuthorityKeyPath => Path.Combine(directory.FullName, "ca.key");

    /// <summary>Makes an authority: <c>ca.pem</c> and <c>ca.key</c>.</summary>
    public IReadOnlyList<string> CreateAuthority(string name, int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(name), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        DateTimeOffset begin = TimeProvider.System.GetUtcNow().AddMinutes(-5);
        using X509Certificate2 certificate = request.CreateSelfSigned(begin, begin.AddDays(days));
        return Write("ca", certificate.ExportCertificatePem(), key);
    }

    /// <summary>Makes a certificate that the authority signs: <c>FILE.pem</c> and <c>FILE.key</c>.</summary>
    /// <param name="file">The name of the files, without extension.</param>
    /// <param name="names">DNS names, IP addresses, URIs or e-mail addresses.</param>
    /// <param name="isForServers">Whether a server may use the certificate.</param>
    /// <param name="isForClients">Whether a client may use the certificate.</param>
    /// <param name="days">How many days it is valid, at most until the authority expires.</param>
    public IReadOnlyList<string> CreateSigned(string file, IReadOnlyList<string> names, bool isForServers, bool isForClients, int days)
    {
        using X509Certificate2 authority = LoadAuthority();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(names[0]), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(AlternativeNames(names));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        OidCollection purposes = [];
        if (isForServers)
        {
            purposes.Add(new Oid(ServerAuthentication));
        }

        if (isForClients)
        {
            purposes.Add(new Oid(ClientAuthentication));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x3F) | 0x40);
        DateTimeOffset begin = TimeProvider.System.GetUtcNow().AddMinutes(-5);
        DateTimeOffset authorityBegin = new(authority.NotBefore), authorityEnd = new(authority.NotAfter);
        begin = begin < authorityBegin ? authorityBegin : begin;
        DateTimeOffset end = begin.AddDays(days);
        using X509Certificate2 certificate = request.Create(authority, begin, end < authorityEnd ? end : authorityEnd, serial);
        return Write(file, certificate.ExportCertificatePem(), key);
    }

    private X509Certificate2 LoadAuthority()
    {
        if (!File.Exists(AuthorityPath) || !File.Exists(AuthorityKeyPath))
        {
            throw new ToolException(ExitCode.Failure, $"No authority was found in {directory.FullName} (ca.pem, ca.key).", "Make one first: mtatls cert ca.");
        }

        try
        {
            return X509Certificate2.CreateFromPemFile(AuthorityPath, AuthorityKeyPath);
        }
        catch (CryptographicException e)
        {
            throw new ToolException(ExitCode.Failure, $"The authority {AuthorityPath} cannot be read: {e.Message}", "Make a new one: mtatls cert ca --force.", e);
        }
    }

    private List<string> Write(string file, string certificate, ECDsa key)
    {
        string certificatePath = Path.Combine(directory.FullName, file + ".pem"), keyPath = Path.Combine(directory.FullName, file + ".key");
        foreach (string path in new[] { certificatePath, keyPath })
        {
            if (File.Exists(path) && !overwrite)
            {
                throw new ToolException(ExitCode.Failure, $"{path} exists already.", "Use --force to replace it, or --output for another folder.");
            }
        }

        try
        {
            directory.Create();
            // The file is created with its permissions, so that other users can't read the key at any time.
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                File.Delete(keyPath);
            }

            using (var stream = new FileStream(keyPath, options))
            {
                stream.Write(Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
            }

            File.WriteAllText(certificatePath, certificate + "\n");
            return [certificatePath, keyPath];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Failure, $"The certificate cannot be written: {e.Message}", "Choose another folder with --output.", e);
        }
    }

    private static X500DistinguishedName Subject(string name)
    {
        var builder = new X500DistinguishedNameBuilder();
        name = WithoutPrefix(name);
        // A common name has at most 64 characters. Clients check only the alternative names.
        builder.AddCommonName(name.Length <= 64 ? name : name[..64]);
        return builder.Build();
    }

    private static X509Extension AlternativeNames(IReadOnlyList<string> names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (string name in names.Select(WithoutPrefix))
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                builder.AddIpAddress(address);
            }
            else if (name.Contains("://", StringComparison.Ordinal) && Uri.TryCreate(name, UriKind.Absolute, out Uri? uri))
            {
                builder.AddUri(uri);
            }
            else if (name.Contains('@', StringComparison.Ordinal))
            {
                builder.AddEmailAddress(name);
            }
            else
            {
                builder.AddDnsName(name);
            }
        }

        return builder.Build();
    }

    /// <summary>Removes the prefix that names have in conditions on certificates (<c>SubjectAlternativeNames</c>).</summary>
    private static string WithoutPrefix(string name)
    {
        int end = name.IndexOf(':', StringComparison.Ordinal);
        return end > 0 && name[..end] is "dns" or "ip" or "email" or "uri" ? name[(end + 1)..] : name;
    }
}
