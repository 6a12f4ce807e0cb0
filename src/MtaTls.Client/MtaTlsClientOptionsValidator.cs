using System.Net;
using System.Security.Authentication;
using Microsoft.Extensions.Options;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Client;

/// <summary>What one setter alone cannot check. Every error is reported at once, each with the option's name and what to write.</summary>
internal sealed class MtaTlsClientOptionsValidator : IValidateOptions<MtaTlsClientOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsClientOptions options)
    {
        List<string> errors = FindErrors(options, needsHost: false);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    public static List<string> FindErrors(MtaTlsClientOptions options, bool needsHost)
    {
        var errors = new List<string>();
        if (options.Host is null && needsHost)
        {
            errors.Add("Host: the endpoint's name or IP address is needed.");
        }

        if (options.Host is not null && !IsHost(options.Host))
        {
            errors.Add($"Host: '{options.Host}' is neither a domain name nor an IP address (no scheme, port or brackets here).");
        }

        if (options.TargetHost is not null && !IsHost(options.TargetHost))
        {
            errors.Add($"TargetHost: '{options.TargetHost}' is neither a domain name nor an IP address.");
        }

        if ((options.EnabledSslProtocols & ~(SslProtocols.Tls12 | SslProtocols.Tls13)) != 0)
        {
            errors.Add("EnabledSslProtocols: only Tls12 and Tls13 are supported.");
        }

        if (!Enum.IsDefined(options.Mode))
        {
            errors.Add($"Mode: {options.Mode} is neither Preferred nor Required.");
        }

        if (options.ClientCertificate is { HasPrivateKey: false })
        {
            errors.Add("ClientCertificate: the certificate has no private key.");
        }

        if (options.Reconnect.MaxDelay < options.Reconnect.InitialDelay)
        {
            errors.Add("Reconnect:MaxDelay: it is less than Reconnect:InitialDelay.");
        }

        if (options.Limits.SessionReceiveBudget < 4096L * options.Limits.MaxChannelsPerSession)
        {
            errors.Add("Limits:SessionReceiveBudget: it is less than 4,096 octets for each of Limits:MaxChannelsPerSession.");
        }

        try
        {
            _ = new TlsClientOptions { ExtensionType = (ushort)options.ExtensionType };
        }
        catch (ArgumentOutOfRangeException)
        {
            errors.Add($"ExtensionType: TLS itself uses {options.ExtensionType}.");
        }
        return errors;
    }

    private static bool IsHost(string host) => ChannelAddress.IsValidHost(host) || IPAddress.TryParse(host, out _) && !host.Contains('[', StringComparison.Ordinal);
}
