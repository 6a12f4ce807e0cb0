using System.Net;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MtaTls.Client.Diagnostics;
using MtaTls.Configuration;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Client;

/// <summary>Checks the options as a whole and reports all errors at once, each with the key of its option.</summary>
internal sealed class MtaTlsClientOptionsValidator : IValidateOptions<MtaTlsClientOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsClientOptions options)
    {
        ErrorList errors = new();
        Check(options, needsHost: false, errors);
        return errors.ToResult();
    }

    /// <summary>Checks the options, and creates the sources of certificates.</summary>
    /// <param name="options">The options.</param>
    /// <param name="needsHost">Whether the options must name an endpoint.</param>
    /// <param name="errors">The list to which errors are added.</param>
    public static (CertificateSource? Certificate, AuthoritySource? Authorities) Check(MtaTlsClientOptions options, bool needsHost, ErrorList errors)
    {
        errors.AddRange(options.ConfigurationErrors.All);
        if (options.Endpoints.Count > 0 && options.Host is not null)
        {
            errors.Add(Key(nameof(options.Endpoints)), "Endpoints and Host are both set. Set only one of them.");
        }

        foreach (string endpoint in options.Endpoints)
        {
            if (!EndpointList.TryParse(endpoint ?? "", out _))
            {
                errors.Add(Key(nameof(options.Endpoints)), $"'{endpoint}' is not host:port or [IPv6 address]:port.");
            }
        }

        if (options.Host is null && options.Endpoints.Count == 0 && needsHost)
        {
            errors.Add(Key(nameof(options.Host)), "The endpoint is missing. Set Host to its name or IP address, or set Endpoints.");
        }

        if (options.Host is not null && !IsHost(options.Host))
        {
            errors.Add(Key(nameof(options.Host)), $"'{options.Host}' is neither a domain name nor an IP address (no scheme, port or brackets here).");
        }

        if (options.TargetHost is not null && !IsHost(options.TargetHost))
        {
            errors.Add(Key(nameof(options.TargetHost)), $"'{options.TargetHost}' is neither a domain name nor an IP address.");
        }

        if ((options.EnabledSslProtocols & ~(SslProtocols.Tls12 | SslProtocols.Tls13)) != 0)
        {
            errors.Add(Key(nameof(options.EnabledSslProtocols)), "Only Tls12 and Tls13 are supported.");
        }

        if (!Enum.IsDefined(options.Mode))
        {
            errors.Add(Key(nameof(options.Mode)), $"{options.Mode} is neither Preferred nor Required.");
        }

        if (options.Reconnect.MaxDelay < options.Reconnect.InitialDelay)
        {
            errors.Add(Key("Reconnect:MaxDelay"), $"{options.Reconnect.MaxDelay} is less than InitialDelay ({options.Reconnect.InitialDelay}).");
        }

        SessionLimits.Validate(options.Limits, Key(nameof(options.Limits)), errors);
        try
        {
            _ = new TlsClientOptions { ExtensionType = options.ExtensionType };
        }
        catch (ArgumentOutOfRangeException)
        {
            errors.Add(Key(nameof(options.ExtensionType)), $"{options.ExtensionType} is an extension type that TLS itself uses. Choose another from 0 to 65,535; the default is 65389 (0xFF6D).");
        }

        if (options.CertificateChainPolicy is not null && !string.IsNullOrEmpty(options.AuthorityPath))
        {
            errors.Add(Key(nameof(options.AuthorityPath)), "It cannot be combined with CertificateChainPolicy, which also sets the authorities. Set only one of the two.");
        }

        ILogger log = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger(ClientDiagnostics.Name);
        string directory = Environment.CurrentDirectory;
        return (
            CertificateSource.Create(
                CertificateDescription.Of(options.ClientCertificate, directory), Key(nameof(options.ClientCertificate)), CertificatePurpose.Client, log, options.TimeProvider, errors),
            AuthoritySource.Create(options.AuthorityPath, directory, Key(nameof(options.AuthorityPath)), log, errors));

        string Key(string name) => options.ConfigurationKey is { } section ? $"{section}:{name}" : name;
    }

    private static bool IsHost(string host) => ChannelAddress.IsValidHost(host) || IPAddress.TryParse(host, out _) && !host.Contains('[', StringComparison.Ordinal);
}
