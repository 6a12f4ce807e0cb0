using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Configuration.Tests;

public sealed class CertificateSourceTests : IDisposable
{
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    private const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    private readonly TestFolder _folder = new();
    private readonly FakeLogger _log = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Renewed_files_are_read_again()
    {
        using X509Certificate2 one = TestFolder.Create("one"), two = TestFolder.Create("two");
        CertificateOptions options = new() { Path = _folder.WriteCertificates("a.pem", one), KeyPath = _folder.WriteKey("a.key", one) };
        CertificateSource source = Create(options)!;
        Assert.Same(source.Current, source.Current);
        Assert.Equal(one.Thumbprint, source.Current.Certificate.Thumbprint);

        _folder.WriteCertificates("a.pem", two);
        Assert.Equal(one.Thumbprint, source.Current.Certificate.Thumbprint);
        Assert.Contains("S:KeyPath", Assert.Single(_log.Collector.GetSnapshot()).Message, StringComparison.Ordinal);

        _folder.WriteKey("a.key", two);
        Assert.Equal(two.Thumbprint, source.Current.Certificate.Thumbprint);
        Assert.Equal("CertificateReloaded", _log.LatestRecord.Id.Name);

        File.Delete(_folder.Path("a.pem"));
        Assert.Equal(two.Thumbprint, source.Current.Certificate.Thumbprint);
    }

    [Fact]
    public void Renewed_authorities_are_read_again()
    {
        using X509Certificate2 one = TestFolder.Create("one", authority: true), two = TestFolder.Create("two", authority: true);
        _folder.WriteCertificates("ca.pem", one);
        ErrorList errors = new();
        AuthoritySource source = AuthoritySource.Create("ca.pem", _folder.Root, "S:AuthorityPath", _log, errors)!;
        Assert.Same(source.Current, source.Current);
        Assert.Equal(one.Thumbprint, Assert.Single(source.Current).Thumbprint);
        _folder.WriteCertificates("ca.pem", one, two);
        Assert.Equal(2, source.Current.Count);
        _folder.Write("ca.pem", "nothing");
        Assert.Equal(2, source.Current.Count);
        Assert.Equal("CertificateNotReloaded", _log.LatestRecord.Id.Name);
        Assert.Empty(errors.All);
    }

    [Fact]
    public void Authorities_that_cannot_be_read_are_an_error_with_key_and_file()
    {
        ErrorList errors = new();
        Assert.Null(AuthoritySource.Create("none.pem", _folder.Root, "S:AuthorityPath", _log, errors));
        Assert.Equal($"S:AuthorityPath: Authority file '{_folder.Path("none.pem")}' was not found.", Assert.Single(errors.All));
    }

    [Fact]
    public void Only_self_signed_authorities_are_trusted_as_roots()
    {
        using X509Certificate2 root = TestFolder.Create("root", authority: true), intermediate = TestFolder.Create("intermediate", authority: true, root);
        X509ChainPolicy policy = new();
        AuthoritySource.Apply([root, intermediate], policy);
        Assert.Equal(X509ChainTrustMode.CustomRootTrust, policy.TrustMode);
        Assert.Equal(root.Thumbprint, Assert.Single(policy.CustomTrustStore).Thumbprint);
        Assert.Equal(intermediate.Thumbprint, Assert.Single(policy.ExtraStore).Thumbprint);
    }

    [Theory]
    [InlineData("Subject")]
    [InlineData("Thumbprint")]
    [InlineData("both")]
    public void A_store_is_searched_by_subject_and_thumbprint(string by)
    {
        using TestStore store = new();
        X509Certificate2 certificate = store.Add(TestFolder.Create("in-store.test", usage: ClientUsage));
        CertificateOptions options = new() { Store = store.Name, AllowInvalid = true, Subject = by == "Thumbprint" ? null : "in-store.test", Thumbprint = by == "Subject" ? null : certificate.Thumbprint };
        LoadedCertificate found = Create(options, CertificatePurpose.Client)!.Current;
        Assert.Equal(certificate.Thumbprint, found.Certificate.Thumbprint);
        Assert.True(found.Certificate.HasPrivateKey);

        ErrorList errors = new();
        Assert.Null(Create(options, CertificatePurpose.Server, errors));
        string setting = by == "Thumbprint" ? "Thumbprint" : "Subject";
        Assert.StartsWith($"S:{setting}: The store CurrentUser/{store.Name} has no certificate with ", Assert.Single(errors.All), StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_is_searched_again_once_a_minute()
    {
        using TestStore store = new();
        X509Certificate2 one = store.Add(TestFolder.Create("in-store.test", usage: ServerUsage, daysLeft: 10));
        CertificateSource source = Create(new CertificateOptions { Store = store.Name, AllowInvalid = true, Subject = "in-store.test" })!;
        X509Certificate2 two = store.Add(TestFolder.Create("in-store.test", usage: ServerUsage, daysLeft: 20));
        Assert.Equal(one.Thumbprint, source.Current.Certificate.Thumbprint);
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(two.Thumbprint, source.Current.Certificate.Thumbprint);
        LoadedCertificate same = source.Current;
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Same(same, source.Current);
    }

    [Fact]
    public void A_given_certificate_needs_its_private_key()
    {
        using X509Certificate2 certificate = TestFolder.Create("given");
        Assert.Equal(certificate.Thumbprint, Create(new CertificateOptions { Certificate = certificate })!.Current.Certificate.Thumbprint);
        using X509Certificate2 bare = X509CertificateLoader.LoadCertificate(certificate.RawData);
        ErrorList errors = new();
        Assert.Null(Create(new CertificateOptions { Certificate = bare }, errors: errors));
        Assert.Equal("S: The certificate 'CN=given' has no private key.", Assert.Single(errors.All));
    }

    [Fact]
    public void More_than_one_certificate_is_an_error()
    {
        ErrorList errors = new();
        Assert.Null(Create(new CertificateOptions { Path = "a.pem", Subject = "b" }, errors: errors));
        Assert.Null(Create(new CertificateOptions { KeyPath = "a.key" }, errors: errors));
        Assert.Null(Create(new CertificateOptions(), errors: errors));
        Assert.Equal(2, errors.All.Count);
        Assert.StartsWith("S: ", errors.All[0], StringComparison.Ordinal);
        Assert.StartsWith("S:Path: ", errors.All[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Sources_are_equal_where_the_same_certificate_is_meant()
    {
        using X509Certificate2 one = TestFolder.Create("one"), two = TestFolder.Create("two");
        using X509Certificate2 copy = X509CertificateLoader.LoadPkcs12(one.Export(X509ContentType.Pfx), null);
        Assert.Equal(Create(new CertificateOptions { Certificate = one }), Create(new CertificateOptions { Certificate = copy }));
        Assert.NotEqual(Create(new CertificateOptions { Certificate = one }), Create(new CertificateOptions { Certificate = two }));
        _folder.WriteCertificates("a.pem", one);
        _folder.WriteKey("a.key", one);
        Assert.Equal(
            Create(new CertificateOptions { Path = "a.pem", KeyPath = "a.key" }), Create(new CertificateOptions { Path = _folder.Path("a.pem"), KeyPath = _folder.Path("a.key"), Store = "My" }));
    }

    private CertificateSource? Create(CertificateOptions options, CertificatePurpose purpose = CertificatePurpose.Server, ErrorList? errors = null)
    {
        ErrorList all = errors ?? new ErrorList();
        var source = CertificateSource.Create(CertificateDescription.Of(options, _folder.Root), "S", purpose, _log, _time, all);
        if (errors is null)
        {
            Assert.Empty(all.All);
        }

        return source;
    }

    /// <summary>A certificate store of this user that is removed after the test.</summary>
    private sealed class TestStore : IDisposable
    {
        private readonly X509Store _store;
        private readonly List<X509Certificate2> _added = [];

        public TestStore()
        {
            Name = $"MtaTlsTest{Guid.NewGuid():N}";
            _store = new X509Store(Name, StoreLocation.CurrentUser);
            _store.Open(OpenFlags.ReadWrite);
        }

        public string Name { get; }

        public X509Certificate2 Add(X509Certificate2 certificate)
        {
            X509Certificate2 stored = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.PersistKeySet | X509KeyStorageFlags.Exportable);
            _store.Add(stored);
            _added.Add(stored);
            return stored;
        }

        public void Dispose()
        {
            foreach (X509Certificate2 certificate in _added)
            {
                _store.Remove(certificate);
            }

            _store.Dispose();
        }
    }
}
