using System.Net;
using Microsoft.Extensions.Options;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Checks the client's options as a whole.</summary>
internal sealed class QuicTunnelClientOptionsValidator : IValidateOptions<QuicTunnelClientOptions>
{
    public ValidateOptionsResult Validate(string? name, QuicTunnelClientOptions options)
    {
        var errors = new ErrorList(QuicTunnelClientOptions.SectionName);
        if (!ServerAddress.TryParse(options.Concentrator, out _))
        {
            errors.Add("Concentrator", $"'{options.Concentrator}' is not host:port, such as tunnel.example:4433.");
        }

        if (!string.IsNullOrEmpty(options.AuthorityPath))
        {
            errors.File("AuthorityPath", options.AuthorityPath);
        }

        CommonValidation.Certificate(errors, "Certificate", options.Certificate);
        errors.Utf8Length("Token", options.Token, 0, 255);
        errors.Utf8Length("QosIndication", options.QosIndication, 0, 255);
        if (!string.IsNullOrEmpty(options.Token) && !string.IsNullOrEmpty(options.QosIndication))
        {
            errors.Add("QosIndication", "a New Session message carries a token or a QoS indication, not both.");
        }

        LocalAddresses(errors, options);
        CommonValidation.Interface(errors, options.Interface);
        CommonValidation.Reordering(errors, options.Reordering);
        errors.Defined("Scheduler", options.Scheduler);
        errors.Range("KeepAliveInterval", options.KeepAliveInterval, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        errors.Range("IdleTimeout", options.IdleTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        errors.Range("ConnectTimeout", options.ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        errors.Range("ReconnectDelay", options.ReconnectDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        errors.Range("MaxReconnectDelay", options.MaxReconnectDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        return errors.Errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(string.Join(Environment.NewLine, errors.Errors));
    }

    private static void LocalAddresses(ErrorList errors, QuicTunnelClientOptions options)
    {
        if (options.LocalAddresses.Count > TunnelSession.MaxPaths)
        {
            errors.Add("LocalAddresses", $"{options.LocalAddresses.Count} are more than {TunnelSession.MaxPaths}.");
        }

        for (int i = 0; i < options.LocalAddresses.Count; i++)
        {
            string entry = options.LocalAddresses[i];
            if (!IPAddress.TryParse(entry, out _) && (entry.Length is 0 or > 15 || entry.AsSpan().ContainsAny("/ \t")))
            {
                errors.Add($"LocalAddresses:{i}", $"'{entry}' is neither an IP address nor the name of a network interface.");
            }

            if (options.LocalAddresses.IndexOf(entry) != i)
            {
                errors.Add($"LocalAddresses:{i}", $"'{entry}' is there already.");
            }
        }

        foreach ((string entry, AccessNetwork access) in options.AccessNetworks)
        {
            errors.Defined($"AccessNetworks:{entry}", access);
            if (!options.LocalAddresses.Contains(entry))
            {
                errors.Add($"AccessNetworks:{entry}", "is not among LocalAddresses.");
            }
        }
    }
}
