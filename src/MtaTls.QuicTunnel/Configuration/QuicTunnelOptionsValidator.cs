using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Checks all options of the concentrator.</summary>
internal sealed class QuicTunnelOptionsValidator : IValidateOptions<QuicTunnelOptions>
{
    private const string Section = QuicTunnelOptions.SectionName;

    public ValidateOptionsResult Validate(string? name, QuicTunnelOptions options)
    {
        ErrorList errors = new();
        errors.AddRange(options.ConfigurationErrors.All);
        QuicTunnelSettings.Table.Check(options, Section, errors);
        if (options.Listen.Count == 0)
        {
            errors.Add($"{Section}:Listen", "At least one end point is needed, such as 0.0.0.0:4433.");
        }

        CommonValidation.EndPoints(errors, $"{Section}:Listen", options.Listen, "0.0.0.0:4433 or [::]:4433");
        CreateSources(options, NullLogger.Instance, TimeProvider.System, errors);
        CommonValidation.Interface(errors, $"{Section}:Interface", options.Interface);
        CommonValidation.Directory(errors, $"{Section}:QlogDirectory", options.QlogDirectory);
        Authentication(errors, options);
        Addresses(errors, options.Addresses);
        ClusterValidation.Check(errors, $"{Section}:Cluster", options.Cluster);
        RelayValidation.CheckAuthorities(errors, options);
        return errors.ToResult();
    }

    /// <summary>Creates the sources of the concentrator's certificate and of the authorities of client certificates.</summary>
    public static (CertificateSource? Certificate, AuthoritySource? Authorities) CreateSources(QuicTunnelOptions options, ILogger logger, TimeProvider time, ErrorList errors)
    {
        string directory = Environment.CurrentDirectory;
        var description = CertificateDescription.Of(options.Certificate, directory);
        if (description.IsEmpty && description.KeyPath is null)
        {
            errors.Add($"{Section}:Certificate:Path", "The concentrator needs a certificate. Set Path, or Subject for a certificate store.");
        }

        var certificate = CertificateSource.Create(description, $"{Section}:Certificate", CertificatePurpose.Server, logger, time, errors);
        AuthoritySource? authorities = options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate
            ? AuthoritySource.Create(options.Authentication.AuthorityPath, directory, $"{Section}:Authentication:AuthorityPath", logger, errors)
            : null;
        return (certificate, authorities);
    }

    private static void Authentication(ErrorList errors, QuicTunnelOptions options)
    {
        const string Key = $"{Section}:Authentication";
        TunnelAuthenticationOptions authentication = options.Authentication;
        if (!string.IsNullOrEmpty(authentication.RevocationListPath))
        {
            RevocationListFile(errors, authentication);
        }

        if (authentication.Mode == TunnelAuthenticationMode.Anonymous && authentication.AllowedIdentities.Count + authentication.DeniedIdentities.Count > 0)
        {
            errors.Add($"{Key}:AllowedIdentities", "Anonymous clients have no identity. Remove AllowedIdentities and DeniedIdentities, or set another Mode.");
        }

        switch (authentication.Mode)
        {
            case TunnelAuthenticationMode.ClientCertificate when string.IsNullOrEmpty(authentication.AuthorityPath):
                errors.Add($"{Key}:AuthorityPath", "The mode ClientCertificate needs a file with the authorities that issue client certificates.");
                break;
            case TunnelAuthenticationMode.Token when authentication.Tokens.Count == 0:
                errors.Add($"{Key}:Tokens", "The mode Token needs at least one token.");
                break;
            case TunnelAuthenticationMode.Token:
                foreach ((string identity, string token) in authentication.Tokens)
                {
                    CommonValidation.Utf8Length(errors, $"{Key}:Tokens:{identity}", token, 16, 255);
                }

                if (authentication.Tokens.Values.Distinct(StringComparer.Ordinal).Count() != authentication.Tokens.Count)
                {
                    errors.Add($"{Key}:Tokens", "Two identities have the same token. Each identity needs its own.");
                }

                break;
            case TunnelAuthenticationMode.Anonymous when options.Addresses.Identities.Count > 0:
                errors.Add($"{Section}:Addresses:Identities", "Anonymous clients have no identity. Use Addresses:Pool, or set another Authentication:Mode.");
                break;
        }
    }

    private static void RevocationListFile(ErrorList errors, TunnelAuthenticationOptions authentication)
    {
        const string Key = $"{Section}:Authentication:RevocationListPath";
        if (authentication.Mode != TunnelAuthenticationMode.ClientCertificate)
        {
            errors.Add(Key, "A revocation list works only with Authentication:Mode ClientCertificate.");
            return;
        }

        try
        {
            RevocationList.Load(authentication.RevocationListPath!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            errors.Add(Key, $"'{authentication.RevocationListPath}' cannot be read: {exception.Message}");
        }
    }

    private static void Addresses(ErrorList errors, TunnelAddressOptions options)
    {
        Dictionary<IPAddress, string> seen = [];
        foreach ((string identity, IList<string> addresses) in options.Identities)
        {
            for (int i = 0; i < addresses.Count; i++)
            {
                string key = $"{Section}:Addresses:Identities:{identity}:{i}";
                if (!IPAddress.TryParse(addresses[i], out IPAddress? address) || IpHeader.IsLinkScoped(IpHeader.ToUInt128(address)))
                {
                    errors.Add(key, $"'{addresses[i]}' cannot be a client's address: it needs an IP address that is not unspecified, loopback, link-local, multicast or broadcast.");
                }
                else if (!seen.TryAdd(address, identity))
                {
                    errors.Add(key, $"{address} is already listed for '{seen[address]}'.");
                }
            }
        }

        for (int i = 0; i < options.Pool.Count; i++)
        {
            CommonValidation.Prefix(errors, $"{Section}:Addresses:Pool:{i}", options.Pool[i], out _);
        }
    }
}
