using System.Net.Security;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace MtaTls.AspNetCore.Tests.Endpoints;

/// <summary>The decision about each TLS setting of an endpoint: applied, or a reason why the endpoint does not speak MTA-TLS. A member that a new version of .NET adds fails here until there is a decision.</summary>
public sealed class HttpsSettingsTests
{
    [Fact]
    public void Each_member_of_HttpsConnectionAdapterOptions_has_a_decision()
    {
        string[] applied =
        [
            nameof(HttpsConnectionAdapterOptions.ServerCertificate), nameof(HttpsConnectionAdapterOptions.ServerCertificateChain), nameof(HttpsConnectionAdapterOptions.ServerCertificateSelector),
            nameof(HttpsConnectionAdapterOptions.ClientCertificateMode), nameof(HttpsConnectionAdapterOptions.ClientCertificateValidation), nameof(HttpsConnectionAdapterOptions.CheckCertificateRevocation),
            nameof(HttpsConnectionAdapterOptions.SslProtocols), nameof(HttpsConnectionAdapterOptions.HandshakeTimeout), nameof(HttpsConnectionAdapterOptions.TlsClientHelloBytesCallback),
        ];
        string[] obstacles = [nameof(HttpsConnectionAdapterOptions.OnAuthenticate)];
        Assert.Equal(typeof(HttpsConnectionAdapterOptions).GetProperties().Select(static p => p.Name).Order(), applied.Concat(obstacles).Order());
    }

    /// <summary>
    /// Applications can set these members only through OnAuthenticate and TlsHandshakeCallbackOptions, with which an endpoint does not speak MTA-TLS. OrdinaryHttps creates such options for clients that
    /// do not offer the extension: from the members of HttpsConnectionAdapterOptions, and otherwise with .NET's defaults, as Kestrel does.
    /// </summary>
    [Fact]
    public void Each_member_of_SslServerAuthenticationOptions_has_a_decision()
    {
        string[] fromTheEndpoint =
        [
            nameof(SslServerAuthenticationOptions.ServerCertificateContext), nameof(SslServerAuthenticationOptions.ClientCertificateRequired), nameof(SslServerAuthenticationOptions.EnabledSslProtocols),
            nameof(SslServerAuthenticationOptions.CertificateRevocationCheckMode), nameof(SslServerAuthenticationOptions.RemoteCertificateValidationCallback),
        ];
        string[] fromKestrel = [nameof(SslServerAuthenticationOptions.ApplicationProtocols)];
        string[] defaults =
        [
            nameof(SslServerAuthenticationOptions.AllowRenegotiation), nameof(SslServerAuthenticationOptions.AllowRsaPkcs1Padding), nameof(SslServerAuthenticationOptions.AllowRsaPssPadding),
            nameof(SslServerAuthenticationOptions.AllowTlsResume), nameof(SslServerAuthenticationOptions.CertificateChainPolicy), nameof(SslServerAuthenticationOptions.CipherSuitesPolicy),
            nameof(SslServerAuthenticationOptions.EncryptionPolicy), nameof(SslServerAuthenticationOptions.ServerCertificate), nameof(SslServerAuthenticationOptions.ServerCertificateSelectionCallback),
        ];
        Assert.Equal(typeof(SslServerAuthenticationOptions).GetProperties().Select(static p => p.Name).Order(), fromTheEndpoint.Concat(fromKestrel).Concat(defaults).Order());
    }
}
