using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Configuration;

namespace MtaTls.Client.Http;

/// <summary>
/// Applies a handler's TLS settings (<see cref="SocketsHttpHandler.SslOptions"/>) to its sessions. Each setting has the same effect as on an ordinary connection, or is refused.
/// </summary>
internal static class HandlerTlsSettings
{
    /// <summary>Merges the handler's settings into the client's. One exception names all settings that cannot be applied.</summary>
    /// <param name="settings">The client's settings, from its options.</param>
    /// <param name="tls">The handler's settings.</param>
    /// <exception cref="InvalidOperationException">A setting is not supported, or the options have another value.</exception>
    public static ClientSettings Apply(ClientSettings settings, SslClientAuthenticationOptions tls)
    {
        List<string> errors = [];
        if ((tls.EnabledSslProtocols & ~(SslProtocols.Tls12 | SslProtocols.Tls13)) != 0)
        {
            errors.Add("EnabledSslProtocols: only Tls12 and Tls13 are supported.");
        }

        if (tls.EncryptionPolicy != EncryptionPolicy.RequireEncryption)
        {
            errors.Add("EncryptionPolicy: only RequireEncryption is supported.");
        }

        if (!tls.AllowRsaPkcs1Padding)
        {
            errors.Add("AllowRsaPkcs1Padding: false is not supported. Leave it true, or set SignatureAlgorithms in openssl.cnf.");
        }

        if (!tls.AllowRsaPssPadding)
        {
            errors.Add("AllowRsaPssPadding: false is not supported. Leave it true, or set SignatureAlgorithms in openssl.cnf.");
        }

        if (tls.LocalCertificateSelectionCallback is not null)
        {
            errors.Add("LocalCertificateSelectionCallback: a callback is not supported. Set MtaTlsClientOptions.ClientCertificate.");
        }

        if (tls.CertificateChainPolicy is not null && settings.Authorities is not null)
        {
            errors.Add("CertificateChainPolicy: MtaTlsClientOptions.AuthorityPath also sets the authorities. Set only one of the two.");
        }

        CertificateSource? certificate = ClientCertificate(tls, errors);
#pragma warning disable CA1416 // Windows has no CipherSuitesPolicy.
        CipherSuitesPolicy? suites = Merge(nameof(tls.CipherSuitesPolicy), settings.CipherSuitesPolicy, tls.CipherSuitesPolicy, null, errors);
#pragma warning restore CA1416
        // AllowRenegotiation needs no check: MTA-TLS sessions never renegotiate.
        ClientSettings result = settings with
        {
            EnabledSslProtocols = Merge(nameof(tls.EnabledSslProtocols), settings.EnabledSslProtocols, tls.EnabledSslProtocols, SslProtocols.None, errors),
            CipherSuitesPolicy = suites,
            AllowTlsResume = settings.AllowTlsResume && tls.AllowTlsResume,
            ApplicationProtocols = Merge(nameof(tls.ApplicationProtocols), settings.ApplicationProtocols, new ProtocolList([.. tls.ApplicationProtocols ?? []]), new ProtocolList([]), errors),
            CertificateRevocationCheckMode = Merge(
                nameof(tls.CertificateRevocationCheckMode), settings.CertificateRevocationCheckMode, tls.CertificateRevocationCheckMode, X509RevocationMode.NoCheck, errors),
            CertificateChainPolicy = Merge(nameof(tls.CertificateChainPolicy), settings.CertificateChainPolicy, tls.CertificateChainPolicy, null, errors),
            RemoteCertificateValidationCallback = Merge(
                nameof(tls.RemoteCertificateValidationCallback), settings.RemoteCertificateValidationCallback, tls.RemoteCertificateValidationCallback, null, errors),
            TargetHostOption = Merge(nameof(tls.TargetHost), settings.TargetHostOption, string.IsNullOrEmpty(tls.TargetHost) ? null : tls.TargetHost, null, errors),
            ClientCertificate = Merge(nameof(MtaTlsClientOptions.ClientCertificate), settings.ClientCertificate, certificate, null, errors),
        };
        return errors.Count == 0 ? result : throw new InvalidOperationException($"The handler's SslOptions cannot be applied to MTA-TLS sessions. {string.Join(' ', errors)}");
    }

    /// <summary>Whether all settings have .NET's defaults.</summary>
    /// <param name="tls">The handler's settings.</param>
    /// <param name="validation">The validation callback that is expected.</param>
    public static bool AreDefault(SslClientAuthenticationOptions tls, RemoteCertificateValidationCallback validation) =>
        tls.RemoteCertificateValidationCallback == validation && tls is
        {
            EnabledSslProtocols: SslProtocols.None, EncryptionPolicy: EncryptionPolicy.RequireEncryption, AllowRsaPkcs1Padding: true, AllowRsaPssPadding: true, AllowTlsResume: true,
            LocalCertificateSelectionCallback: null, ClientCertificates: null or { Count: 0 }, ClientCertificateContext: null, CipherSuitesPolicy: null,
            ApplicationProtocols: null or { Count: 0 }, CertificateRevocationCheckMode: X509RevocationMode.NoCheck, CertificateChainPolicy: null,
            TargetHost: null or "", AllowRenegotiation: true,
        };

    private static T Merge<T>(string name, T ours, T handlers, T unset, List<string> errors)
    {
        EqualityComparer<T> comparer = EqualityComparer<T>.Default;
        if (comparer.Equals(handlers, unset) || comparer.Equals(handlers, ours))
        {
            return ours;
        }

        if (!comparer.Equals(ours, unset))
        {
            errors.Add($"{name}: MtaTlsClientOptions.{(name == nameof(SslClientAuthenticationOptions.TargetHost) ? nameof(MtaTlsClientOptions.TargetHost) : name)} has another value. Set only one of the two.");
        }

        return handlers;
    }

    private static GivenCertificateSource? ClientCertificate(SslClientAuthenticationOptions tls, List<string> errors)
    {
        if (tls.ClientCertificateContext is { } context)
        {
            return Given(context.TargetCertificate, [.. context.IntermediateCertificates]);
        }

        switch (tls.ClientCertificates)
        {
            case null or { Count: 0 }:
                return null;
            case [X509Certificate2 { HasPrivateKey: true } certificate]:
                return Given(certificate, null);
            default:
                errors.Add("ClientCertificates: only one certificate, with its private key, is supported.");
                return null;
        }
    }

    private static GivenCertificateSource Given(X509Certificate2 certificate, X509Certificate2Collection? intermediates)
        => new(CertificateDescription.Of(new CertificateOptions { Certificate = certificate, Intermediates = intermediates }, Environment.CurrentDirectory));
}
