using System.Security.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Certificates;
using MtaTls.AspNetCore.ProxyProtocol;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>Checks <see cref="MtaTlsOptions"/> as a whole and reports all errors at once, each with its full key.</summary>
internal sealed class ValidateMtaTlsOptions(EndpointCertificates certificates) : IValidateOptions<MtaTlsOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsOptions options)
    {
        ErrorList errors = new();
        errors.AddRange(options.ConfigurationErrors.All);
        ValidateExtensionType(errors, options.ExtensionType);
        ValidateLimits(errors, options.Limits);
        ProxyProtocolNetworks.Read(options.ProxyProtocol, $"{MtaTlsSettings.SectionName}:{nameof(MtaTlsOptions.ProxyProtocol)}", errors);
        if (options.AcmeChallenges.Path is { } folder && !Directory.Exists(folder))
        {
            errors.Add($"{MtaTlsSettings.SectionName}:{nameof(MtaTlsOptions.AcmeChallenges)}:{nameof(MtaTlsAcmeChallengesOptions.Path)}", $"the folder '{folder}' does not exist. Create it, with access for this server and for the ACME client.");
        }

        foreach ((string endpointName, MtaTlsEndpointOptions endpoint) in options.Endpoints)
        {
            ValidateEndpoint(errors, $"{MtaTlsSettings.SectionName}:Endpoints:{endpointName}", endpoint, options.EndpointDefaults);
        }

        return errors.ToResult();
    }

    private static void ValidateExtensionType(ErrorList errors, ushort value)
    {
        try
        {
            _ = new TlsServerOptions { ExtensionType = value };
        }
        catch (ArgumentOutOfRangeException)
        {
            errors.Add($"{MtaTlsSettings.SectionName}:ExtensionType", $"{value} is an extension type that TLS itself uses. Choose another from 0 to 65,535; the default is 65389 (0xFF6D).");
        }
    }

    private static void ValidateLimits(ErrorList errors, MtaTlsLimits limits)
    {
        const string Key = $"{MtaTlsSettings.SectionName}:Limits";
        SessionLimits.Validate(limits.Session, Key, errors);
        if (limits.ServerReceiveBudget < limits.SessionReceiveBudget)
        {
            errors.Add($"{Key}:ServerReceiveBudget", $"{limits.ServerReceiveBudget} is less than SessionReceiveBudget ({limits.SessionReceiveBudget}).");
        }

        if (limits.ServerSendBudget < limits.SessionSendBudget)
        {
            errors.Add($"{Key}:ServerSendBudget", $"{limits.ServerSendBudget} is less than SessionSendBudget ({limits.SessionSendBudget}).");
        }
    }

    private void ValidateEndpoint(ErrorList errors, string key, MtaTlsEndpointOptions endpoint, MtaTlsEndpointDefaults defaults)
    {
        ValidateUrl(errors, $"{key}:Url", endpoint.Url);
        if (endpoint.SslProtocols is { } protocols && protocols != SslProtocols.None && (protocols & (SslProtocols.Tls12 | SslProtocols.Tls13)) == 0)
        {
            errors.Add($"{key}:SslProtocols", $"{protocols} names neither Tls12 nor Tls13, the versions of MTA-TLS.");
        }

        if (endpoint.ClientCertificateMode == ClientCertificateMode.DelayCertificate && (endpoint.Mode ?? defaults.Mode) == DataMultiplexingMode.Required)
        {
            errors.Add($"{key}:ClientCertificateMode", "an endpoint with DelayCertificate does not speak MTA-TLS, so its Mode cannot be Required.");
        }

        certificates.CreateAuthorities($"{key}:{nameof(endpoint.ClientCertificateAuthorityPath)}", endpoint.ClientCertificateAuthorityPath, errors);
        certificates.Create($"{key}:Certificate", endpoint.Certificate, errors);
    }

    private static void ValidateUrl(ErrorList errors, string key, string? url)
    {
        if (string.IsNullOrWhiteSpace(url))
        {
            errors.Add(key, "is missing; for example https://*:8443.");
            return;
        }

        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            errors.Add(key, $"'{url}' is not a URL to listen on, such as https://*:8443.");
            return;
        }

        if (!address.Scheme.Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(key, $"'{url}' must begin with https://.");
        }
        else if (address.PathBase.Length > 0)
        {
            errors.Add(key, $"'{url}' must not have a path; UsePathBase() sets one.");
        }
        else if (address.Port is < 0 or > 65535)
        {
            errors.Add(key, $"'{url}' has no port from 0 to 65535.");
        }
        else if (address is { Port: 0, IsUnixPipe: false, IsNamedPipe: false } && EndpointAddress.IsLocalhost(address.Host))
        {
            errors.Add(key, $"'{url}' needs one free port on two addresses, which is not supported. Write https://127.0.0.1:0 or https://[::1]:0.");
        }
    }
}
