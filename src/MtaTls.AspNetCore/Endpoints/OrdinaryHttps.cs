using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>
/// Kestrel's own HTTPS on an endpoint of <c>MtaTls:Endpoints</c> for clients that do not offer the extension: the endpoint's settings, with the
/// certificate as it is in the moment of the handshake.
/// </summary>
internal sealed class OrdinaryHttps(HttpsConnectionAdapterOptions https, ICertificateSource certificate)
{
    private volatile Prepared? _prepared;

    public TlsHandshakeCallbackOptions Options => new() { OnConnection = OnConnection, HandshakeTimeout = https.HandshakeTimeout };

    private ValueTask<SslServerAuthenticationOptions> OnConnection(TlsHandshakeCallbackContext context)
    {
        context.AllowDelayedClientCertificateNegotation = https.ClientCertificateMode == ClientCertificateMode.DelayCertificate;
        SslServerAuthenticationOptions options = new()
        {
            ServerCertificateContext = CertificateContext(),
            ClientCertificateRequired = https.ClientCertificateMode is ClientCertificateMode.AllowCertificate or ClientCertificateMode.RequireCertificate,
            EnabledSslProtocols = https.SslProtocols,
            CertificateRevocationCheckMode = https.CheckCertificateRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = https.ClientCertificateMode == ClientCertificateMode.NoCertificate ? null : Validate,
        };
        https.OnAuthenticate?.Invoke(context.Connection, options);
        return ValueTask.FromResult(options);
    }

    private SslStreamCertificateContext CertificateContext()
    {
        LoadedCertificate current = certificate.Current;
        Prepared? prepared = _prepared;
        if (prepared?.Certificate != current)
        {
            _prepared = prepared = new Prepared(current, SslStreamCertificateContext.Create(current.Certificate, current.Intermediates, offline: true));
        }

        return prepared.Context;
    }

    private bool Validate(object sender, X509Certificate? presented, X509Chain? chain, SslPolicyErrors errors)
    {
        if (presented is null)
        {
            return https.ClientCertificateMode != ClientCertificateMode.RequireCertificate;
        }

        X509Certificate2 client = presented as X509Certificate2 ?? new X509Certificate2(presented);
        return https.ClientCertificateValidation is { } validate ? validate(client, chain, errors) : errors == SslPolicyErrors.None;
    }

    private sealed record Prepared(LoadedCertificate Certificate, SslStreamCertificateContext Context);
}
