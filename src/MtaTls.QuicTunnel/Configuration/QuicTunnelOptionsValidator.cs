using System.Net;
using Microsoft.Extensions.Options;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Checks the concentrator's options as a whole.</summary>
internal sealed class QuicTunnelOptionsValidator : IValidateOptions<QuicTunnelOptions>
{
    public ValidateOptionsResult Validate(string? name, QuicTunnelOptions options)
    {
        var errors = new ErrorList(QuicTunnelOptions.SectionName);
        if (options.Listen.Count == 0)
        {
            errors.Add("Listen", "at least one end point such as 0.0.0.0:4433 is needed.");
        }

        for (int i = 0; i < options.Listen.Count; i++)
        {
            errors.EndPoint($"Listen:{i}", options.Listen[i]);
        }

        if (!options.Certificate.IsSet)
        {
            errors.Add("Certificate:Path", "the concentrator needs a certificate.");
        }

        CommonValidation.Certificate(errors, "Certificate", options.Certificate);
        CommonValidation.Interface(errors, options.Interface);
        CommonValidation.Reordering(errors, options.Reordering);
        errors.Defined("Scheduler", options.Scheduler);
        Authentication(errors, options);
        Addresses(errors, options.Addresses);
        Sessions(errors, options.Sessions);
        return errors.Errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(string.Join(Environment.NewLine, errors.Errors));
    }

    private static void Authentication(ErrorList errors, QuicTunnelOptions options)
    {
        TunnelAuthenticationOptions authentication = options.Authentication;
        errors.Defined("Authentication:Mode", authentication.Mode);
        if (!string.IsNullOrEmpty(authentication.RevocationListPath))
        {
            RevocationListFile(errors, authentication);
        }

        if (authentication.Mode == TunnelAuthenticationMode.Anonymous && authentication.AllowedIdentities.Count + authentication.DeniedIdentities.Count > 0)
        {
            errors.Add("Authentication:AllowedIdentities", "anonymous clients have no identity.");
        }

        switch (authentication.Mode)
        {
            case TunnelAuthenticationMode.ClientCertificate when string.IsNullOrEmpty(authentication.AuthorityPath):
                errors.Add("Authentication:AuthorityPath", "client certificates need an authority that they come from.");
                break;
            case TunnelAuthenticationMode.ClientCertificate:
                errors.File("Authentication:AuthorityPath", authentication.AuthorityPath);
                break;
            case TunnelAuthenticationMode.Token when authentication.Tokens.Count == 0:
                errors.Add("Authentication:Tokens", "at least one token is needed.");
                break;
            case TunnelAuthenticationMode.Token:
                foreach ((string identity, string token) in authentication.Tokens)
                {
                    errors.Utf8Length($"Authentication:Tokens:{identity}", token, 16, 255);
                }

                if (authentication.Tokens.Values.Distinct(StringComparer.Ordinal).Count() != authentication.Tokens.Count)
                {
                    errors.Add("Authentication:Tokens", "two identities have the same token.");
                }

                break;
            case TunnelAuthenticationMode.Anonymous when options.Addresses.Identities.Count > 0:
                errors.Add("Addresses:Identities", "anonymous clients have no identity.");
                break;
        }
    }

    private static void RevocationListFile(ErrorList errors, TunnelAuthenticationOptions authentication)
    {
        const string Key = "Authentication:RevocationListPath";
        if (authentication.Mode != TunnelAuthenticationMode.ClientCertificate)
        {
            errors.Add(Key, "is of use with client certificates only.");
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
        var seen = new Dictionary<IPAddress, string>();
        foreach ((string identity, IList<string> addresses) in options.Identities)
        {
            for (int i = 0; i < addresses.Count; i++)
            {
                string key = $"Addresses:Identities:{identity}:{i}";
                if (!IPAddress.TryParse(addresses[i], out IPAddress? address) || IpHeader.IsLinkScoped(IpHeader.ToUInt128(address)))
                {
                    errors.Add(key, $"'{addresses[i]}' cannot be a client's address.");
                }
                else if (!seen.TryAdd(address, identity))
                {
                    errors.Add(key, $"{address} is given to '{seen[address]}' already.");
                }
            }
        }

        for (int i = 0; i < options.Pool.Count; i++)
        {
            errors.Prefix($"Addresses:Pool:{i}", options.Pool[i], out _, out _);
        }

        errors.Range("Addresses:MaxPerSession", options.MaxPerSession, 1, 64);
        errors.Range("Addresses:RestPeriod", options.RestPeriod, TimeSpan.Zero, TimeSpan.FromDays(1));
    }

    private static void Sessions(ErrorList errors, TunnelSessionOptions options)
    {
        errors.Range("Sessions:GracePeriod", options.GracePeriod, TimeSpan.Zero, TimeSpan.FromDays(1));
        errors.Range("Sessions:MaxSessions", options.MaxSessions, 1, 1_000_000);
        errors.Range("Sessions:MaxConnectionsPerSession", options.MaxConnectionsPerSession, 1, 32);
        errors.Range("Sessions:MaxSessionsPerIdentity", options.MaxSessionsPerIdentity, 1, 1_000_000);
        errors.Range("Sessions:MaxConnections", options.MaxConnections, 1, 10_000_000);
        errors.Range("Sessions:MaxHandshakes", options.MaxHandshakes, 1, 1_000_000);
        errors.Range("Sessions:MaxJoinsPerSecond", options.MaxJoinsPerSecond, 1, 1_000_000);
        errors.Range("Sessions:MaxPendingReports", options.MaxPendingReports, 1, 1_024);
        errors.Range("Sessions:IdleTimeout", options.IdleTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        errors.Range("Sessions:NegotiationTimeout", options.NegotiationTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
    }
}
