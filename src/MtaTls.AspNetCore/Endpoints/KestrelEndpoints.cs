using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Certificates;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>
/// Adds MTA-TLS to Kestrel after the application has configured its endpoints. With <c>MtaTls:Endpoints</c>, these endpoints are added and speak MTA-TLS. Without, all endpoints of the
/// application do: those made in code exist already, those of <c>Kestrel:Endpoints</c> and of URLs are created later. Never runs under a server other than Kestrel.
/// </summary>
internal sealed class KestrelEndpoints(IOptions<MtaTlsOptions> options, CurrentSettings settings, EndpointCertificates certificates, StartupFailure failure, KestrelOptionsAccessor use, IHostEnvironment environment, ILoggerFactory loggers, TimeProvider time)
    : IPostConfigureOptions<KestrelServerOptions>
{
    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Endpoints);

    public void PostConfigure(string? name, KestrelServerOptions kestrel)
    {
        use.Options = kestrel;
        try
        {
            Apply(kestrel);
        }
        catch (Exception e)
        {
            // StartupFailureService logs it and fails the start of the host.
            failure.Exception = e;
        }
    }

    private void Apply(KestrelServerOptions kestrel)
    {
        MtaTlsOptions mtaTls = options.Value;
        mtaTls.OpenSsl.Apply();
        if (mtaTls.Endpoints.Count == 0)
        {
            AttachToAll(kestrel);
            return;
        }

        if (!KestrelInternals.AreAvailable)
        {
            throw new NotSupportedException("MtaTls:Endpoints cannot be applied, because this version of Kestrel lacks the members that it needs. Listen in code with UseHttps(...) and UseMtaTls(o => o.Https = ...).");
        }

        foreach ((string endpointName, MtaTlsEndpointOptions endpoint) in mtaTls.Endpoints)
        {
            EndpointAddress.Listen(kestrel, endpoint.Url!, listen => Configure(listen, endpointName, endpoint));
        }
    }

    private void AttachToAll(KestrelServerOptions kestrel)
    {
        if (!KestrelInternals.AreAvailable)
        {
            _logger.KestrelUnknown();
            return;
        }

        foreach (ListenOptions endpoint in KestrelInternals.Endpoints(kestrel))
        {
            AttachTo(endpoint);
        }

        Action<ListenOptions> defaults = KestrelInternals.EndpointDefaults(kestrel);
        kestrel.ConfigureEndpointDefaults(endpoint =>
        {
            defaults(endpoint);
            AttachTo(endpoint);
        });
    }

    private static void AttachTo(ListenOptions endpoint) => EndpointAttachment.Attach(endpoint, new MtaTlsListenOptions(), isExplicit: false);

    private void Configure(ListenOptions listen, string name, MtaTlsEndpointOptions endpoint)
    {
        KestrelServerOptions kestrel = listen.KestrelServerOptions;
        listen.Protocols = endpoint.Protocols ?? listen.Protocols;

        HttpsConnectionAdapterOptions https = new();
        KestrelInternals.EnableHttpsConfiguration(kestrel);
        KestrelInternals.ApplyHttpsDefaults(kestrel, https);
        https.SslProtocols = endpoint.SslProtocols ?? https.SslProtocols;
        https.ClientCertificateMode = endpoint.ClientCertificateMode ?? https.ClientCertificateMode;

        string key = $"{MtaTlsSettings.SectionName}:Endpoints:{name}";
        ErrorList errors = new();
        ICertificateSource? certificate = null;
        if (certificates.Create($"{key}:Certificate", endpoint.Certificate, errors) is { } source)
        {
            certificate = new EndpointCertificate(name, $"{key}:Certificate", source, certificates, settings, _logger);
        }
        else if (errors.All is [string error, ..])
        {
            // The file could be read when the options were validated, but not now.
            throw new InvalidOperationException(error);
        }
        else if (https is { ServerCertificate: null, ServerCertificateSelector: null })
        {
            certificate = certificates.FindDefault() ?? FallBack(kestrel, https, key);
        }

        ClientAuthorities? authorities = Authorities(name, key, endpoint, https);
        EndpointAttachment.Attach(
            listen, new MtaTlsListenOptions { Name = name, Mode = endpoint.Mode, Dispatch = endpoint.Dispatch, Https = https }, isExplicit: true, certificate, authorities);
        if (certificate is null && authorities is null)
        {
            listen.UseHttps(https);
        }
        else
        {
            // Clients that do not offer the extension get a renewed certificate and its chain too, and their certificates must come from the same authorities.
            listen.UseHttps(new OrdinaryHttps(https, certificate, authorities).Options);
        }
    }

    private ClientAuthorities? Authorities(string name, string key, MtaTlsEndpointOptions endpoint, HttpsConnectionAdapterOptions https)
    {
        key = $"{key}:{nameof(endpoint.ClientCertificateAuthorityPath)}";
        ErrorList errors = new();
        AuthoritySource? source = certificates.CreateAuthorities(key, endpoint.ClientCertificateAuthorityPath, errors);
        if (errors.All is [string error, ..])
        {
            // The file could be read when the options were validated, but not now.
            throw new InvalidOperationException(error);
        }

        if (source is null)
        {
            return null;
        }

        // The mode may come from Kestrel's defaults, so it can be checked only here.
        return https.ClientCertificateMode != ClientCertificateMode.NoCertificate
            ? new ClientAuthorities(name, key, source, certificates, settings, _logger)
            : throw new InvalidOperationException($"{key} is set, but the endpoint does not ask clients for certificates. Set ClientCertificateMode to AllowCertificate or RequireCertificate.");
    }

    private GivenCertificateSource? FallBack(KestrelServerOptions kestrel, HttpsConnectionAdapterOptions https, string key)
    {
        KestrelInternals.ApplyDefaultCertificate(kestrel, https);
        if (https.ServerCertificate is not null)
        {
            return null;
        }

        if (!environment.IsDevelopment())
        {
            throw new InvalidOperationException(
                $"{key}:Certificate has no certificate, and there is neither a Kestrel:Certificates:Default nor an ASP.NET Core development certificate. Set one of them.");
        }

        CertificateOptions generated = new() { Certificate = TemporaryCertificate.Create(time) };
        _logger.CertificateGenerated(key, generated.Certificate.Thumbprint);
        return new GivenCertificateSource(certificates.Describe(generated));
    }
}
