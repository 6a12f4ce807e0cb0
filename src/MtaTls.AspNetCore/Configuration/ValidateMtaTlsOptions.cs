using System.Security.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Certificates;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>Checks <see cref="MtaTlsOptions"/> as a whole and reports everything that is wrong at once, each with the key that it is about.</summary>
internal sealed class ValidateMtaTlsOptions(CertificateSources certificates) : IValidateOptions<MtaTlsOptions>
{
    private const int ChannelFloor = 4096;

    public ValidateOptionsResult Validate(string? name, MtaTlsOptions options)
    {
        ConfigurationErrors errors = new();
        ValidateExtensionType(errors, options.ExtensionType);
        ValidateLimits(errors, options.Limits);
        foreach ((string endpointName, MtaTlsEndpointOptions endpoint) in options.Endpoints)
        {
            ValidateEndpoint(errors, $"{ConfigureMtaTlsOptions.SectionName}:Endpoints:{endpointName}", endpoint, options.EndpointDefaults);
        }

        string[] all = [.. options.ConfigurationErrors.All, .. errors.All];
        return all.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(all);
    }

    private static void ValidateExtensionType(ConfigurationErrors errors, ushort value)
    {
        try
        {
            _ = new TlsServerOptions { ExtensionType = value };
        }
        catch (ArgumentOutOfRangeException)
        {
            errors.Add($"{ConfigureMtaTlsOptions.SectionName}:ExtensionType", $"{value} is an extension that TLS handles itself; it cannot stand for data_multiplexing.");
        }
    }

    private static void ValidateLimits(ConfigurationErrors errors, MtaTlsLimits limits)
    {
        const string Key = $"{ConfigureMtaTlsOptions.SectionName}:Limits";
        if (limits.MaxWindowSize < limits.InitialWindowSize)
        {
            errors.Add($"{Key}:MaxWindowSize", $"{limits.MaxWindowSize} is less than InitialWindowSize ({limits.InitialWindowSize}).");
        }

        if (limits.MaxPacketLength >= limits.InitialWindowSize)
        {
            errors.Add($"{Key}:MaxPacketLength", $"{limits.MaxPacketLength} is not less than InitialWindowSize ({limits.InitialWindowSize}).");
        }

        long floor = (long)limits.MaxChannelsPerSession * ChannelFloor;
        if (limits.SessionReceiveBudget < floor)
        {
            errors.Add($"{Key}:SessionReceiveBudget", $"{limits.SessionReceiveBudget} does not leave 4 KiB for each of MaxChannelsPerSession ({limits.MaxChannelsPerSession}): {floor} is the least.");
        }

        if (limits.ServerReceiveBudget < limits.SessionReceiveBudget)
        {
            errors.Add($"{Key}:ServerReceiveBudget", $"{limits.ServerReceiveBudget} is less than SessionReceiveBudget ({limits.SessionReceiveBudget}).");
        }
    }

    private void ValidateEndpoint(ConfigurationErrors errors, string key, MtaTlsEndpointOptions endpoint, MtaTlsEndpointDefaults defaults)
    {
        ValidateUrl(errors, $"{key}:Url", endpoint.Url);
        if (endpoint.SslProtocols is { } protocols && protocols != SslProtocols.None && (protocols & (SslProtocols.Tls12 | SslProtocols.Tls13)) == 0)
        {
            errors.Add($"{key}:SslProtocols", $"{protocols} names neither Tls12 nor Tls13, the versions of MTA-TLS.");
        }

        if (endpoint.ClientCertificateMode == ClientCertificateMode.DelayCertificate && (endpoint.Mode ?? defaults.Mode) == DataMultiplexingMode.Required)
        {
            errors.Add($"{key}:ClientCertificateMode", "DelayCertificate does not multiplex, so Mode cannot be Required.");
        }

        ValidateCertificate(errors, $"{key}:Certificate", endpoint.Certificate);
    }

    private static void ValidateUrl(ConfigurationErrors errors, string key, string? url)
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
            errors.Add(key, $"'{url}' is no URL to listen on; for example https://*:8443.");
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
            errors.Add(key, $"'{url}' asks for any free port on two addresses; write https://127.0.0.1:0 or https://[::1]:0.");
        }
    }

    private void ValidateCertificate(ConfigurationErrors errors, string key, MtaTlsCertificateOptions certificate)
    {
        if (certificate.IsFile && certificate.IsStore)
        {
            errors.Add(key, "names both a file (Path) and a store (Subject, Thumbprint); name one.");
            return;
        }

        if (!certificate.IsFile && !string.IsNullOrEmpty(certificate.KeyPath))
        {
            errors.Add($"{key}:Path", "is missing beside KeyPath.");
            return;
        }

        try
        {
            certificates.Create(key, certificate);
        }
        catch (InvalidOperationException e)
        {
            errors.Add(key, e.Message[(key.Length + 2)..]);
        }
    }
}
