using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore.Certificates;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.ProxyProtocol;
using MtaTls.AspNetCore.Routing;
using MtaTls.AspNetCore.Transport;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>
/// Adds MTA-TLS to one endpoint, as connection middleware right before HTTPS. The endpoint's HTTPS settings are read when the server binds it, because
/// they are final then. If they cannot be read for certain, or cannot be applied, the endpoint does not speak MTA-TLS.
/// </summary>
internal sealed class EndpointAttachment(ListenOptions endpoint, MtaTlsListenOptions options, bool isExplicit, ICertificateSource? certificate, ClientAuthorities? authorities)
{
    private bool _isAnnounced;

    /// <summary>Attaches MTA-TLS to an endpoint. An explicit call (<c>UseMtaTls</c> on the endpoint) replaces an earlier attachment; other calls leave it.</summary>
    public static void Attach(ListenOptions endpoint, MtaTlsListenOptions options, bool isExplicit, ICertificateSource? certificate = null, ClientAuthorities? authorities = null)
    {
        EndpointAttachment attachment = new(endpoint, options, isExplicit, certificate, authorities);
        if (!KestrelInternals.AreAvailable)
        {
            endpoint.Use(attachment.Build);
            return;
        }

        List<Func<ConnectionDelegate, ConnectionDelegate>> middleware = KestrelInternals.Middleware(endpoint);
        if (isExplicit)
        {
            middleware.RemoveAll(static m => m.Target is EndpointAttachment);
        }
        else if (middleware.Exists(static m => m.Target is EndpointAttachment))
        {
            return;
        }

        int https = KestrelInternals.IsTls(endpoint) ? KestrelInternals.IndexOfHttps(endpoint) : -1;
        middleware.Insert(https >= 0 ? https : middleware.Count, attachment.Build);
    }

    private string? Name => options.Name ?? (KestrelInternals.AreAvailable ? KestrelInternals.EndpointName(endpoint) : null);

    private ConnectionDelegate Build(ConnectionDelegate next)
    {
        MtaTlsServer server = MtaTlsServices.GetServer(endpoint);
        bool isHttps = !KestrelInternals.AreAvailable || KestrelInternals.IsTls(endpoint);
        server.EndpointBuilt(isHttps, Name);
        ConnectionDelegate own = BuildMultiplexing(next, server, isHttps);

        // A PROXY protocol header comes before TLS, also on endpoints that do not speak MTA-TLS.
        return isHttps && ProxyProtocolMiddleware.IsFor(Name, server.Options.ProxyProtocol) ? new ProxyProtocolMiddleware(own, Name, server).OnConnectionAsync : own;
    }

    private ConnectionDelegate BuildMultiplexing(ConnectionDelegate next, MtaTlsServer server, bool isHttps)
    {
        MtaTlsOptions global = server.Options;
        IPeerEndpoint? peers = server.Dispatcher.Peers is { } own && own.Name.Equals(Name, StringComparison.OrdinalIgnoreCase) ? own : null;
        DataMultiplexingMode mode = peers is not null ? DataMultiplexingMode.Required : options.Mode ?? global.EndpointDefaults.Mode;
        if (mode == DataMultiplexingMode.Disabled || (!isExplicit && !isHttps))
        {
            return next;
        }

        HttpsConnectionAdapterOptions? https = options.Https ?? (KestrelInternals.AreAvailable ? KestrelInternals.HttpsOptions(endpoint) : null);
        if (Obstacle(https) is { } obstacle)
        {
            return mode == DataMultiplexingMode.Required
                ? throw new InvalidOperationException($"MTA-TLS is required on {endpoint}, but the endpoint cannot speak it: {obstacle}")
                : LeaveToKestrel(server, next, obstacle);
        }

        EndpointSettings settings = new(Name, mode, options.Dispatch ?? global.EndpointDefaults.Dispatch, https!, certificate, authorities, peers);
        EndpointTls tls = new(settings, endpoint.Protocols, server);
        if (!_isAnnounced)
        {
            // Kestrel builds "localhost" twice: for IPv4 and for IPv6.
            _isAnnounced = true;
            server.EndpointBound(endpoint, settings);
        }

        if (KestrelInternals.AreAvailable)
        {
            endpoint.ApplicationServices.GetService<DirectEndPoints>()?.Add(endpoint.EndPoint);
        }

        return new MtaTlsConnectionMiddleware(next, settings, tls, server).OnConnectionAsync;
    }

    private string? Obstacle(HttpsConnectionAdapterOptions? https)
    {
        if (https is null)
        {
            return !KestrelInternals.AreAvailable
                ? "its TLS settings cannot be read from this version of Kestrel; call listenOptions.UseMtaTls(o => o.Https = ...) with the settings that UseHttps has."
                : KestrelInternals.IsTls(endpoint)
                    ? "its TLS settings are chosen per connection (an Sni section or TlsHandshakeCallbackOptions). Configure it in code: listen.UseHttps(o => o.ServerCertificateSelector = (connection, name) => ...) serves several certificates by name and speaks MTA-TLS."
                    : "it does not use HTTPS. Call listenOptions.UseHttps() beside listenOptions.UseMtaTls().";
        }

        if (https.OnAuthenticate is not null)
        {
            return "its OnAuthenticate callback can change SslStream's settings, which MTA-TLS does not use. Use the other members of HttpsConnectionAdapterOptions instead.";
        }

        if (https.ClientCertificateMode == ClientCertificateMode.DelayCertificate)
        {
            return "with DelayCertificate the server asks for a certificate in the middle of a connection, and all channels share one connection. Set AllowCertificate or RequireCertificate.";
        }

        if (!EndpointTls.AllowsSupportedProtocol(https.SslProtocols))
        {
            return $"its SslProtocols ({https.SslProtocols}) are older than MTA-TLS; add Tls12 or Tls13.";
        }

        if (certificate is null && https is { ServerCertificateSelector: null, ServerCertificate.HasPrivateKey: false })
        {
            return "its certificate has no private key. Load the certificate together with its key.";
        }

        if (!IsRightBeforeHttps())
        {
            return "other connection middleware stands between it and UseHttps; call listenOptions.UseMtaTls() right before UseHttps.";
        }

        return TlsEngine.IsSupported ? TlsEngine.FindPolicyObstacle(https.SslProtocols) : EngineFailure();
    }

    // Middleware between this and HTTPS expects TLS bytes, or one connection for each client. Channels are neither.
    private bool IsRightBeforeHttps()
    {
        if (!KestrelInternals.AreAvailable)
        {
            return true;
        }

        List<Func<ConnectionDelegate, ConnectionDelegate>> middleware = KestrelInternals.Middleware(endpoint);
        return KestrelInternals.IndexOfHttps(endpoint) == middleware.FindIndex(m => m.Target == this) + 1;
    }

    private ConnectionDelegate LeaveToKestrel(MtaTlsServer server, ConnectionDelegate next, string obstacle)
    {
        server.EndpointLeft(endpoint, obstacle);
        return next;
    }

    private static string EngineFailure()
    {
        try
        {
            TlsEngine.ThrowIfUnsupported();
            return "";
        }
        catch (PlatformNotSupportedException e)
        {
            return e.Message;
        }
    }
}
