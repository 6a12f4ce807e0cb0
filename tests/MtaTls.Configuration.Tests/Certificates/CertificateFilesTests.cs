using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Configuration.Tests;

public sealed class CertificateFilesTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _intermediate;
    private readonly X509Certificate2 _leaf;

    public CertificateFilesTests()
    {
        _root = TestFolder.Create("root", authority: true);
        _intermediate = TestFolder.Create("intermediate", authority: true, _root);
        _leaf = TestFolder.Create("leaf", issuer: _intermediate);
    }

    public void Dispose()
    {
        _folder.Dispose();
        _root.Dispose();
        _intermediate.Dispose();
        _leaf.Dispose();
    }

    [Theory]
    [InlineData("pem")]
    [InlineData("pem with its key")]
    [InlineData("encrypted key")]
    [InlineData("pkcs12")]
    [InlineData("pkcs12 without a password")]
    public void Intermediates_come_with_every_form(string form)
    {
        LoadedCertificate loaded = form switch
        {
            "pem" => CertificateFiles.Load(_folder.WriteCertificates("a.pem", _leaf, _intermediate), _folder.WriteKey("a.key", _leaf), null),
            "pem with its key" => CertificateFiles.Load(
                _folder.Write("a.pem", $"{_leaf.ExportCertificatePem()}\n{_leaf.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()}\n{_intermediate.ExportCertificatePem()}"), null, null),
            "encrypted key" => CertificateFiles.Load(_folder.WriteCertificates("a.pem", _leaf, _intermediate), _folder.WriteEncryptedKey("a.key", _leaf, "secret"), "secret"),
            "pkcs12" => CertificateFiles.Load(_folder.WritePkcs12("a.pfx", "secret", _leaf, _intermediate), null, "secret"),
            _ => CertificateFiles.Load(_folder.WritePkcs12("a.pfx", null, _leaf, _intermediate), null, null),
        };
        Assert.Equal(_leaf.Thumbprint, loaded.Certificate.Thumbprint);
        Assert.NotNull(loaded.Certificate.GetECDsaPrivateKey());
        Assert.Equal(_intermediate.Thumbprint, Assert.Single(loaded.Intermediates).Thumbprint);
    }

    [Fact]
    public void A_DER_certificate_with_a_key_in_PEM_is_read()
    {
        File.WriteAllBytes(_folder.Path("a.cer"), _leaf.RawData);
        Assert.Equal(_leaf.Thumbprint, CertificateFiles.Load(_folder.Path("a.cer"), _folder.WriteKey("a.key", _leaf), null).Certificate.Thumbprint);
    }

    [Fact]
    public void A_password_that_is_not_needed_does_no_harm()
        => Assert.True(CertificateFiles.Load(_folder.WriteCertificates("a.pem", _leaf), _folder.WriteKey("a.key", _leaf), "unused").Certificate.HasPrivateKey);

    [Theory]
    [InlineData("no file", "Path", "Certificate file '{0}/none.pem' was not found.")]
    [InlineData("no folder", "Path", "Certificate file '{0}/none/none.pem' was not found.")]
    [InlineData("a folder", "Path", "Certificate file '{0}' cannot be read: ")]
    [InlineData("not a certificate", "Path", "Certificate file '{0}/a.pfx' is neither PEM nor PKCS#12.")]
    [InlineData("not a certificate beside a key", "Path", "Certificate file '{0}/a.pfx' has no certificate.")]
    [InlineData("a key alone", "Path", "'{0}/a.key' has no certificate in PEM.")]
    [InlineData("a broken certificate", "Path", "'{0}/a.pem' has ")]
    [InlineData("no key", "KeyPath", "is missing: '{0}/a.pem' has a certificate without its private key. Set the path of the key's file.")]
    [InlineData("no key file", "KeyPath", "Key file '{0}/none.key' was not found.")]
    [InlineData("a certificate in place of a key", "KeyPath", "Key file '{0}/a.pem' has no private key in PEM.")]
    [InlineData("another key", "KeyPath", "The private key in '{0}/a.key' does not belong to the certificate in '{0}/a.pem'.")]
    [InlineData("a broken key", "KeyPath", "The private key in '{0}/a.key' ")]
    [InlineData("an encrypted key without a password", "Password", "is missing: the private key in '{0}/a.key' is encrypted.")]
    [InlineData("an encrypted key with another password", "Password", "is not the password of the private key in '{0}/a.key'.")]
    [InlineData("pkcs12 without its password", "Password", "is missing: '{0}/a.pfx' is protected by a password.")]
    [InlineData("pkcs12 with another password", "Password", "is not the password of '{0}/a.pfx'.")]
    [InlineData("pkcs12 without a key", "Path", "Certificate file '{0}/a.pfx' has no certificate with a private key.")]
    public void An_error_names_the_setting_and_the_file(string what, string setting, string message)
    {
        string pem = _folder.WriteCertificates("a.pem", _leaf);
        (string Path, string? Key, string? Password) files = what switch
        {
            "no file" => (_folder.Path("none.pem"), null, null),
            "no folder" => (_folder.Path("none/none.pem"), null, null),
            "a folder" => (_folder.Root, null, null),
            "not a certificate" => (_folder.Write("a.pfx", "text"), null, null),
            "not a certificate beside a key" => (_folder.Write("a.pfx", "text"), _folder.WriteKey("a.key", _leaf), null),
            "a key alone" => (_folder.WriteKey("a.key", _leaf), null, null),
            "a broken certificate" => (_folder.Write("a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), _folder.WriteKey("a.key", _leaf), null),
            "no key" => (pem, null, null),
            "no key file" => (pem, _folder.Path("none.key"), null),
            "a certificate in place of a key" => (pem, pem, null),
            "another key" => (pem, _folder.WriteKey("a.key", _root), null),
            "a broken key" => (pem, _folder.Write("a.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"), null),
            "an encrypted key without a password" => (pem, _folder.WriteEncryptedKey("a.key", _leaf, "secret"), null),
            "an encrypted key with another password" => (pem, _folder.WriteEncryptedKey("a.key", _leaf, "secret"), "other"),
            "pkcs12 without its password" => (_folder.WritePkcs12("a.pfx", "secret", _leaf), null, null),
            "pkcs12 with another password" => (_folder.WritePkcs12("a.pfx", "secret", _leaf), null, "other"),
            _ => (_folder.WritePkcs12("a.pfx", null, X509CertificateLoader.LoadCertificate(_leaf.RawData)), null, null),
        };
        CertificateException error = Assert.Throws<CertificateException>(() => CertificateFiles.Load(files.Path, files.Key, files.Password));
        Assert.Equal(setting, error.Setting);
        Assert.StartsWith(message.Replace("{0}", _folder.Root, StringComparison.Ordinal), error.Message, StringComparison.Ordinal);
    }
}
