using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.AspNetCore.Certificates;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>
/// Kestrel's HTTPS on an endpoint of <c>MtaTls:Endpoints</c>, for clients that do not offer the extension. It has the endpoint's settings. The
/// certificate and the authorities of client certificates are those at the time of the handshake.
/// </summary>
/// <param name="https">The endpoint's settings.</param>
/// <param name="certificate">The source of the certificate; null if it comes from <paramref name="https"/>.</param>
/// <param name="authorities">The authorities of client certificates; null for the machine's authorities.</param>
internal sealed class OrdinaryHttps(HttpsConnectionAdapterOptions https, ICertificateSource? certificate, ClientAuthorities? authorities)
{
    private volatile Prepared? _prepared;

    public TlsHandshakeCallbackOptions Options => new() { OnConnection = OnConnection, HandshakeTimeout = https.HandshakeTimeout };

    private ValueTask<SslServerAuthenticationOptions> OnConnection(TlsHandshakeCallbackContext context)
    {
        context.AllowDelayedClientCertificateNegotation = https.ClientCertificateMode == ClientCertificateMode.DelayCertificate;
        X509Certificate2Collection? trusted = authorities?.Current;
        SslServerAuthenticationOptions options = new()
        {
            ClientCertificateRequired = https.ClientCertificateMode is ClientCertificateMode.AllowCertificate or ClientCertificateMode.RequireCertificate,
            EnabledSslProtocols = https.SslProtocols,
            CertificateRevocationCheckMode = https.CheckCertificateRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
            CertificateChainPolicy = trusted is null ? null : ClientAuthorities.Policy(trusted, https.CheckCertificateRevocation),
            RemoteCertificateValidationCallback = https.ClientCertificateMode == ClientCertificateMode.NoCertificate ? null : Validate,
        };
        // As in Kestrel, a selector overrides a certificate, and it gets "" if the client sends no name.
        if (certificate is null && https.ServerCertificateSelector is { } selector)
        {
            options.ServerCertificate = selector(context.Connection, context.ClientHelloInfo.ServerName);
        }
        else
        {
            options.ServerCertificateContext = CertificateContext(trusted);
        }

        https.OnAuthenticate?.Invoke(context.Connection, options);
        return ValueTask.FromResult(options);
    }

    // A new context whenever the authorities change: TLS sessions belong to their context, so none that began under other authorities is resumed.
    private SslStreamCertificateContext CertificateContext(X509Certificate2Collection? trusted)
    {
        LoadedCertificate? loaded = certificate?.Current;
        X509Certificate2 current = loaded is not null
            ? loaded.Certificate
            : https.ServerCertificate ?? throw new InvalidOperationException("The endpoint has no server certificate.");
        Prepared? prepared = _prepared;
        if (prepared is null || prepared.Certificate != current || prepared.Trusted != trusted)
        {
            X509Certificate2Collection? intermediates = loaded is not null ? loaded.Intermediates : https.ServerCertificateChain;
            _prepared = prepared = new Prepared(current, trusted, SslStreamCertificateContext.Create(current, intermediates, offline: true));
        }

        return prepared.Context;
    }

    private bool Validate(object sender, X509Certificate? presented, X509Chain? chain, SslPolicyErrors errors)
    {
        if (presented is null)
        {
            return https.ClientCertificateMode != ClientCertificateMode.RequireCertificate;
        }

        // The application's callback can reject more certificates than the authorities do, but accept no others.
        if (authorities is not null && errors != SslPolicyErrors.None)
        {
            return false;
        }

        X509Certificate2 client = presented as X509Certificate2 ?? new X509Certificate2(presented);
        return https.ClientCertificateValidation is { } validate ? validate(client, chain, errors) : errors == SslPolicyErrors.None;
    }

    private sealed record Prepared(X509Certificate2 Certificate, X509Certificate2Collection? Trusted, SslStreamCertificateContext Context);
}
