using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.AspNetCore.Tests.Routing;

public class ClientCertificateConditionTests
{
    [Theory]
    [InlineData("SHA256")]
    [InlineData("SHA1")]
    public void A_thumbprint_names_one_certificate(string hash)
    {
        using X509Certificate2 mine = Create("CN=client");
        using X509Certificate2 other = Create("CN=client");
        string digits = mine.GetCertHashString(new HashAlgorithmName(hash));
        ClientCertificateCondition condition = Read(new() { Thumbprints = { string.Join(':', digits.ToLowerInvariant().Chunk(2).Select(c => new string(c))) } });
        Assert.True(condition.Matches(mine));
        Assert.False(condition.Matches(other));
        Assert.False(condition.Matches(null));
    }

    [Theory]
    [InlineData("client.example", true)]
    [InlineData("dns:CLIENT.example", true)]
    [InlineData("dns:*.example", false)]
    [InlineData("ip:192.0.2.7", true)]
    [InlineData("ip:192.0.2.8", false)]
    [InlineData("email:ops@example.org", true)]
    [InlineData("uri:spiffe://example.org/gateway", true)]
    [InlineData("uri:spiffe://example.org/other", false)]
    [InlineData("other.example", false)]
    public void A_subject_alternative_name_is_compared_exactly(string name, bool matches)
    {
        using X509Certificate2 certificate = Create("CN=whatever", san =>
        {
            san.AddDnsName("client.example");
            san.AddIpAddress(IPAddress.Parse("192.0.2.7"));
            san.AddEmailAddress("ops@example.org");
            san.AddUri(new Uri("spiffe://example.org/gateway"));
        });
        if (name.Contains('*', StringComparison.Ordinal))
        {
            Assert.NotEmpty(Errors(new() { SubjectAlternativeNames = { name } }));
            return;
        }

        Assert.Equal(matches, Read(new() { SubjectAlternativeNames = { name } }).Matches(certificate));
    }

    [Fact]
    public void A_wildcard_in_the_certificate_matches_only_the_same_text()
    {
        using X509Certificate2 certificate = Create("CN=whatever", san => san.AddDnsName("*.example"));
        Assert.False(Read(new() { SubjectAlternativeNames = { "client.example" } }).Matches(certificate));
    }

    [Fact]
    public void The_common_name_is_no_subject_alternative_name()
    {
        using X509Certificate2 certificate = Create("CN=client.example");
        Assert.False(Read(new() { SubjectAlternativeNames = { "client.example" } }).Matches(certificate));
    }

    [Theory]
    [InlineData("CN=client, O=Example", true)]
    [InlineData("CN=client,O=Example", true)]
    [InlineData("O=Example, CN=client", false)] // another order is another name
    [InlineData("CN=client", false)]
    [InlineData("CN=client, O=Example, C=CH", false)]
    [InlineData("CN=\"client, O=Example\"", false)]
    [InlineData("CN=Client, O=Example", false)]
    public void A_subject_is_compared_as_a_parsed_name(string subject, bool matches)
    {
        using X509Certificate2 certificate = Create("CN=client, O=Example");
        Assert.Equal(matches, Read(new() { Subject = subject, Issuer = "CN=client, O=Example" }).Matches(certificate));
    }

    [Fact]
    public void One_part_with_a_comma_is_not_two_parts()
    {
        using X509Certificate2 certificate = Create("CN=\"client, O=Example\"");
        Assert.False(Read(new() { Subject = "CN=client, O=Example", Issuer = "CN=\"client, O=Example\"" }).Matches(certificate));
        Assert.True(Read(new() { Subject = "CN=\"client, O=Example\"", Issuer = "CN=\"client, O=Example\"" }).Matches(certificate));
    }

    [Fact]
    public void The_same_subject_of_another_issuer_does_not_match()
    {
        using X509Certificate2 ca = Create("CN=Example CA");
        using X509Certificate2 otherCa = Create("CN=Other CA");
        using X509Certificate2 mine = Create("CN=client", issuer: ca);
        using X509Certificate2 other = Create("CN=client", issuer: otherCa);
        ClientCertificateCondition condition = Read(new() { Subject = "CN=client", Issuer = "CN=Example CA" });
        Assert.True(condition.Matches(mine));
        Assert.False(condition.Matches(other));
    }

    [Fact]
    public void All_settings_of_a_condition_must_match()
    {
        using X509Certificate2 ca = Create("CN=Example CA");
        using X509Certificate2 certificate = Create("CN=client", san => san.AddDnsName("client.example"), ca);
        Assert.True(Read(new() { SubjectAlternativeNames = { "other.example", "client.example" }, Issuer = "CN=Example CA" }).Matches(certificate));
        Assert.False(Read(new() { SubjectAlternativeNames = { "client.example" }, Issuer = "CN=Other CA" }).Matches(certificate));
        Assert.False(Read(new() { SubjectAlternativeNames = { "client.example" }, Thumbprints = { new string('0', 64) } }).Matches(certificate));
    }

    [Fact]
    public void Every_error_is_reported_and_names_its_key()
    {
        List<string> errors = Errors(new() { Thumbprints = { "abc" }, SubjectAlternativeNames = { "uri:" }, Subject = "=" });
        Assert.Equal(["C:Thumbprints:0", "C:SubjectAlternativeNames:0", "C:Subject", "C:Issuer"], errors.Select(e => e[..e.IndexOf(": ", StringComparison.Ordinal)]));
        Assert.Single(Errors(new()));
    }

    private static List<string> Errors(ClientCertificateConditionOptions options)
    {
        var errors = new List<string>();
        _ = new ClientCertificateCondition(options, "C", errors);
        return errors;
    }

    private static ClientCertificateCondition Read(ClientCertificateConditionOptions options)
    {
        var errors = new List<string>();
        var condition = new ClientCertificateCondition(options, "C", errors);
        Assert.Empty(errors);
        return condition;
    }

    private static X509Certificate2 Create(string subject, Action<SubjectAlternativeNameBuilder>? names = null, X509Certificate2? issuer = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (names is not null)
        {
            var san = new SubjectAlternativeNameBuilder();
            names(san);
            request.CertificateExtensions.Add(san.Build());
        }

        DateTimeOffset now = DateTimeOffset.UtcNow;
        if (issuer is null)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        }

        return request.Create(issuer, now.AddHours(-1), now.AddHours(1), RandomNumberGenerator.GetBytes(8));
    }
}
