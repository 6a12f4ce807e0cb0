using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Certificates;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>
/// The TLS engine's settings of one endpoint. Every handshake reads the endpoint's HTTPS settings, so that a changed certificate or other member applies
/// to the next connection. The native context and its resumable sessions are kept until a setting changes.
/// </summary>
internal sealed class EndpointTls(EndpointSettings settings, HttpProtocols protocols, MtaTlsServer server)
{
    private const SslProtocols Supported = SslProtocols.Tls12 | SslProtocols.Tls13;

    // Replaces the application's validation: the cluster's settings alone decide which certificates belong to gateways.
    private readonly Func<X509Certificate2, X509Chain?, SslPolicyErrors, bool>? _peerValidation =
        settings.Peers is { } peers ? (certificate, chain, errors) => peers.IsPeer(certificate, chain, errors == SslPolicyErrors.None) : null;

    private readonly Lock _lock = new();
    private volatile Current? _current;

    /// <summary>The context for the next handshake. Its state is the <see cref="ConnectionContext"/>.</summary>
    /// <exception cref="InvalidOperationException">The endpoint has no certificate any more.</exception>
    public TlsServerContext Context
    {
        get
        {
            Snapshot now = Read();
            if (_current is { } current && current.Snapshot == now)
            {
                return current.Context;
            }

            lock (_lock)
            {
                if (_current is not { } latest || latest.Snapshot != now)
                {
                    // Not disposed: connections may still use the former context.
                    _current = latest = new Current(now, Create(now));
                }

                return latest.Context;
            }
        }
    }

    /// <summary>Whether the versions contain TLS 1.2 or TLS 1.3, or are left to the system.</summary>
    public static bool AllowsSupportedProtocol(SslProtocols enabled) => enabled == SslProtocols.None || (enabled & Supported) != 0;

    private Snapshot Read()
    {
        HttpsConnectionAdapterOptions https = settings.Https;
        LoadedCertificate? own = settings.Certificate?.Current;
        return new Snapshot(
            own is null ? https.ServerCertificate : own.Certificate,
            own is null ? https.ServerCertificateChain : own.Intermediates,
            own is null ? https.ServerCertificateSelector : null,
            _peerValidation is null ? https.ClientCertificateMode : ClientCertificateMode.RequireCertificate,
            _peerValidation ?? https.ClientCertificateValidation,
            settings.Authorities?.Current,
            https.CheckCertificateRevocation,
            https.SslProtocols);
    }

    private TlsServerContext Create(Snapshot now)
    {
        TlsServerOptions options = new()
        {
            ExtensionType = server.Options.ExtensionType,
            MaxClientHelloLength = server.Limits.MaxClientHelloLength,
            Mode = settings.Mode,
            EnabledSslProtocols = now.SslProtocols & Supported,
            ServerCertificateChain = now.Chain,
            ClientCertificateMode = now.ClientCertificateMode switch
            {
                ClientCertificateMode.AllowCertificate => TlsClientCertificateMode.AllowCertificate,
                ClientCertificateMode.RequireCertificate => TlsClientCertificateMode.RequireCertificate,
                ClientCertificateMode.NoCertificate => TlsClientCertificateMode.NoCertificate,
                _ => throw new InvalidOperationException($"MTA-TLS does not support ClientCertificateMode {now.ClientCertificateMode}."),
            },
            ClientCertificateValidation = now.ClientCertificateValidation,
            CheckCertificateRevocation = now.CheckRevocation,
            ClientCertificateChainPolicy = now.Authorities is { } authorities ? ClientAuthorities.Policy(authorities, now.CheckRevocation) : null,
            KeyLogFile = server.KeyLogFile,
        };

        // The application's callback can reject more certificates than the authorities do, but accept no others. For gateways the cluster's settings decide alone.
        if (now.Authorities is not null && _peerValidation is null && now.ClientCertificateValidation is { } validate)
        {
            options.ClientCertificateValidation = (certificate, chain, errors) => errors == SslPolicyErrors.None && validate(certificate, chain, errors);
        }

        // As in Kestrel, a selector overrides a certificate.
        if (now.Selector is { } selector)
        {
            // As in Kestrel, the selector gets "" if the client sends no name.
            options.ServerCertificateSelector = (connection, name) => selector((ConnectionContext)connection!, name ?? "");
        }
        else
        {
            options.ServerCertificate = now.Certificate ?? throw new InvalidOperationException("The endpoint has no server certificate.");
        }

        if (protocols.HasFlag(HttpProtocols.Http2))
        {
            options.ApplicationProtocols.Add(SslApplicationProtocol.Http2);
        }

        if (protocols.HasFlag(HttpProtocols.Http1))
        {
            options.ApplicationProtocols.Add(SslApplicationProtocol.Http11);
        }

        try
        {
            return new TlsServerContext(options);
        }
        catch (Exception e) when (options.KeyLogFile is not null && e is IOException or UnauthorizedAccessException)
        {
            // The file could be written when the server started.
            server.EndpointLog.KeysNotLogged(options.KeyLogFile!, e.Message);
            options.KeyLogFile = null;
            return new TlsServerContext(options);
        }
    }

    private sealed record Current(Snapshot Snapshot, TlsServerContext Context);

    private readonly record struct Snapshot(
        X509Certificate2? Certificate,
        X509Certificate2Collection? Chain,
        Func<ConnectionContext, string?, X509Certificate2?>? Selector,
        ClientCertificateMode ClientCertificateMode,
        Func<X509Certificate2, X509Chain?, SslPolicyErrors, bool>? ClientCertificateValidation,
        X509Certificate2Collection? Authorities,
        bool CheckRevocation,
        SslProtocols SslProtocols);
}
