#pragma warning disable CA1416, CA5359 // The test sets every member, and runs only on systems that have the TLS engine.
using System.Net.Security;
using System.Reflection;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Client.Http;

namespace MtaTls.Client.Tests;

/// <summary>Each member of a handler's SslOptions is applied to its sessions or refused; none is ignored.</summary>
public sealed class HandlerTlsSettingsTests
{
    private static readonly X509Certificate2 s_certificate = MakeCertificate();

    /// <summary>The decision about each member: a value to set, and a check that it is applied; null if it is refused.</summary>
    private static readonly Dictionary<string, (Action<SslClientAuthenticationOptions> Set, Func<ClientSettings, bool>? IsApplied)> s_decided = new()
    {
        [nameof(SslClientAuthenticationOptions.AllowTlsResume)] = (static o => o.AllowTlsResume = false, static s => !s.AllowTlsResume && s.ToTlsOptions(s.ApplicationProtocols, null, null).SessionCacheSize == 0),
        [nameof(SslClientAuthenticationOptions.ApplicationProtocols)] = (static o => o.ApplicationProtocols = [SslApplicationProtocol.Http11], static s => s.ApplicationProtocols.Equals(ProtocolList.Http11)),
        [nameof(SslClientAuthenticationOptions.CertificateChainPolicy)] = (static o => o.CertificateChainPolicy = new X509ChainPolicy(), static s => s.CertificateChainPolicy is not null),
        [nameof(SslClientAuthenticationOptions.CertificateRevocationCheckMode)] = (static o => o.CertificateRevocationCheckMode = X509RevocationMode.Offline, static s => s.CertificateRevocationCheckMode == X509RevocationMode.Offline),
        [nameof(SslClientAuthenticationOptions.CipherSuitesPolicy)] = (
            static o => o.CipherSuitesPolicy = new CipherSuitesPolicy([TlsCipherSuite.TLS_AES_256_GCM_SHA384]), static s => s.ToTlsOptions(s.ApplicationProtocols, null, null).CipherSuitesPolicy is not null),
        [nameof(SslClientAuthenticationOptions.ClientCertificateContext)] = (
            static o => o.ClientCertificateContext = SslStreamCertificateContext.Create(s_certificate, null, offline: true), static s => s.ClientCertificate!.Current.Certificate.HasPrivateKey),
        [nameof(SslClientAuthenticationOptions.ClientCertificates)] = (static o => o.ClientCertificates = [s_certificate], static s => s.ClientCertificate!.Current.Certificate.HasPrivateKey),
        [nameof(SslClientAuthenticationOptions.EnabledSslProtocols)] = (static o => o.EnabledSslProtocols = SslProtocols.Tls13, static s => s.EnabledSslProtocols == SslProtocols.Tls13),
        [nameof(SslClientAuthenticationOptions.RemoteCertificateValidationCallback)] = (
            static o => o.RemoteCertificateValidationCallback = (_, _, _, _) => false, static s => !s.RemoteCertificateValidationCallback!(s, null, null, SslPolicyErrors.None)),
        [nameof(SslClientAuthenticationOptions.TargetHost)] = (static o => o.TargetHost = "name.test", static s => s.TargetHost == "name.test"),
        // Sessions never renegotiate, so there is nothing to check.
        [nameof(SslClientAuthenticationOptions.AllowRenegotiation)] = (static o => o.AllowRenegotiation = false, static _ => true),
        [nameof(SslClientAuthenticationOptions.AllowRsaPkcs1Padding)] = (static o => o.AllowRsaPkcs1Padding = false, null),
        [nameof(SslClientAuthenticationOptions.AllowRsaPssPadding)] = (static o => o.AllowRsaPssPadding = false, null),
#pragma warning disable SYSLIB0040 // A handler may have an obsolete policy.
        [nameof(SslClientAuthenticationOptions.EncryptionPolicy)] = (static o => o.EncryptionPolicy = EncryptionPolicy.AllowNoEncryption, null),
#pragma warning restore SYSLIB0040
        [nameof(SslClientAuthenticationOptions.LocalCertificateSelectionCallback)] = (static o => o.LocalCertificateSelectionCallback = (_, _, _, _, _) => s_certificate, null),
    };

    public static TheoryData<string> Members => [.. typeof(SslClientAuthenticationOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(static p => p.Name)];

    /// <summary>Fails for a member that a new version of .NET adds, until there is a decision about it.</summary>
    [Theory]
    [MemberData(nameof(Members))]
    public void Each_member_of_a_handlers_SslOptions_is_applied_or_refused(string member)
    {
        Assert.True(s_decided.ContainsKey(member), $"HandlerTlsSettings has no decision about SslClientAuthenticationOptions.{member}: apply the member there, or refuse it.");
        (Action<SslClientAuthenticationOptions> set, Func<ClientSettings, bool>? isApplied) = s_decided[member];
        using var handler = new SocketsHttpHandler();
        set(handler.SslOptions);
        Assert.False(HandlerTlsSettings.AreDefault(handler.SslOptions, null!));
        if (isApplied is null)
        {
            InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => handler.UseMtaTls("gateway.test"));
            Assert.Contains($"{member}:", error.Message, StringComparison.Ordinal);
        }
        else
        {
            var settings = ClientSettings.From(new MtaTlsClientOptions { Host = "gateway.test" });
            Assert.True(isApplied(HandlerTlsSettings.Apply(settings, handler.SslOptions)));
            handler.UseMtaTls("gateway.test");
        }
    }

    [Fact]
    public void All_settings_that_cannot_be_applied_are_reported_at_once()
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = { EnabledSslProtocols = SslProtocols.Tls12, TargetHost = "one.test", ClientCertificates = [s_certificate, s_certificate], AllowRsaPssPadding = false },
        };
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => handler.UseMtaTls(new MtaTlsClientOptions { Host = "gateway.test", EnabledSslProtocols = SslProtocols.Tls13, TargetHost = "two.test" }));
        foreach (string name in new[] { "EnabledSslProtocols:", "TargetHost:", "ClientCertificates:", "AllowRsaPssPadding:" })
        {
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_client_of_the_application_must_have_the_handlers_settings()
    {
        await using var client = new MtaTlsClient(ClientSettings.From(new MtaTlsClientOptions { Host = "gateway.test", EnabledSslProtocols = SslProtocols.Tls13 }));
        using SocketsHttpHandler same = new() { SslOptions = { EnabledSslProtocols = SslProtocols.Tls13 } }, other = new() { SslOptions = { AllowTlsResume = false } };
        same.UseMtaTls(client);
        Assert.Throws<InvalidOperationException>(() => other.UseMtaTls(client));
    }

    [Fact]
    public async Task A_setting_after_UseMtaTls_fails_the_next_connection()
    {
        foreach (Action<SocketsHttpHandler> change in (Action<SocketsHttpHandler>[])
            [static h => h.SslOptions.EnabledSslProtocols = SslProtocols.Tls13, static h => h.SslOptions = new(), static h => h.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true])
        {
            using SocketsHttpHandler handler = new();
            handler.UseMtaTls(new MtaTlsClientOptions { Host = "gateway.test", ConnectCallback = static (_, _) => throw new IOException("It was dialed.") });
            change(handler);
            using HttpClient http = new(handler);
            HttpRequestException error = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(new Uri("https://app.test/")));
            Assert.Contains("SslOptions", error.ToString(), StringComparison.Ordinal);
        }
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=client", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
