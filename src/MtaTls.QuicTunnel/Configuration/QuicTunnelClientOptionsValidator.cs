using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Checks all options of the client.</summary>
internal sealed class QuicTunnelClientOptionsValidator : IValidateOptions<QuicTunnelClientOptions>
{
    private const string Section = QuicTunnelClientOptions.SectionName;

    public ValidateOptionsResult Validate(string? name, QuicTunnelClientOptions options)
    {
        ErrorList errors = new();
        errors.AddRange(options.ConfigurationErrors.All);
        TunnelSettings.Client.Check(options, Section, errors);
        if (string.IsNullOrEmpty(options.Host))
        {
            errors.Add($"{Section}:Host", "The concentrator's domain name or IP address is missing.");
        }
        else if (!IsHost(options.Host))
        {
            errors.Add($"{Section}:Host", $"'{options.Host}' is neither a domain name nor an IP address. Write it without scheme, port and brackets.");
        }

        if (!string.IsNullOrEmpty(options.TargetHost) && !IsHost(options.TargetHost))
        {
            errors.Add($"{Section}:TargetHost", $"'{options.TargetHost}' is neither a domain name nor an IP address.");
        }

        CreateSources(options, NullLogger.Instance, TimeProvider.System, errors);
        CommonValidation.Utf8Length(errors, $"{Section}:Token", options.Token, 0, 255);
        CommonValidation.Utf8Length(errors, $"{Section}:QosIndication", options.QosIndication, 0, 255);
        if (!string.IsNullOrEmpty(options.Token) && !string.IsNullOrEmpty(options.QosIndication))
        {
            errors.Add($"{Section}:QosIndication", "A New Session message carries a token or a QoS indication, not both.");
        }

        if (options.Reconnect.MaxDelay < options.Reconnect.InitialDelay)
        {
            errors.Add($"{Section}:Reconnect:MaxDelay", $"{options.Reconnect.MaxDelay} is less than InitialDelay ({options.Reconnect.InitialDelay}). Set it to at least that.");
        }

        LocalAddresses(errors, options);
        CommonValidation.Directory(errors, $"{Section}:QlogDirectory", options.QlogDirectory);
        CommonValidation.Interface(errors, $"{Section}:Interface", options.Interface, needsAddress: !options.RequestAddresses);
        if (options.RequestAddresses && options.Interface.Addresses.Count > 0)
        {
            errors.Add($"{Section}:RequestAddresses", "With RequestAddresses the concentrator assigns the addresses. Remove Interface:Addresses, or set RequestAddresses to false.");
        }

        return errors.ToResult();
    }

    /// <summary>Creates the sources of the client's certificate and of the authorities of the concentrator's certificate.</summary>
    public static (CertificateSource? Certificate, AuthoritySource? Authorities) CreateSources(QuicTunnelClientOptions options, ILogger logger, TimeProvider time, ErrorList errors)
    {
        string directory = Environment.CurrentDirectory;
        return (
            CertificateSource.Create(CertificateDescription.Of(options.ClientCertificate, directory), $"{Section}:ClientCertificate", CertificatePurpose.Client, logger, time, errors),
            AuthoritySource.Create(options.AuthorityPath, directory, $"{Section}:AuthorityPath", logger, errors));
    }

    private static bool IsHost(string host) => Uri.CheckHostName(host) != UriHostNameType.Unknown && !host.Contains('[', StringComparison.Ordinal);

    private static void LocalAddresses(ErrorList errors, QuicTunnelClientOptions options)
    {
        const string Key = $"{Section}:LocalAddresses";
        if (options.LocalAddresses.Count > TunnelSession.MaxPaths)
        {
            errors.Add(Key, $"There are {options.LocalAddresses.Count} entries; at most {TunnelSession.MaxPaths} are allowed.");
        }

        for (int i = 0; i < options.LocalAddresses.Count; i++)
        {
            string entry = options.LocalAddresses[i];
            if (!IPAddress.TryParse(entry, out _) && (entry.Length is 0 or > 15 || entry.AsSpan().ContainsAny("/ \t")))
            {
                errors.Add($"{Key}:{i}", $"'{entry}' is neither an IP address nor the name of a network interface.");
            }

            if (options.LocalAddresses.IndexOf(entry) != i)
            {
                errors.Add($"{Key}:{i}", $"'{entry}' is listed twice.");
            }
        }

        foreach ((string entry, AccessNetwork access) in options.AccessNetworks)
        {
            if (!Enum.IsDefined(access))
            {
                errors.Add($"{Section}:AccessNetworks:{entry}", $"'{access}' is none of {string.Join(", ", Enum.GetNames<AccessNetwork>())}.");
            }

            if (!options.LocalAddresses.Contains(entry))
            {
                errors.Add($"{Section}:AccessNetworks:{entry}", $"'{entry}' is not listed in LocalAddresses.");
            }
        }
    }
}
