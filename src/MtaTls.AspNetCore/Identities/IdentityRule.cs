using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.AspNetCore.Identities;

/// <summary>A rule of <c>MtaTls:IdentityLimits</c>, read from <see cref="MtaTlsIdentityLimitOptions"/>.</summary>
internal sealed class IdentityRule
{
    private const string Section = $"{MtaTlsSettings.SectionName}:{nameof(MtaTlsOptions.IdentityLimits)}";

    private readonly ClientCertificateCondition? _certificate;

    private IdentityRule(MtaTlsIdentityLimitOptions options, string key, string defaultName, List<string> errors)
    {
        Options = options;
        Name = string.IsNullOrEmpty(options.Name) ? defaultName : options.Name;
        _certificate = options.ClientCertificate is { } certificate ? new ClientCertificateCondition(certificate, $"{key}:ClientCertificate", errors) : null;
        if (!Enum.IsDefined(options.Per))
        {
            errors.Add($"{key}:Per: '{options.Per}' is not one of Certificate, Subject, Rule.");
        }

        if (options is { MaxSessions: 0, MaxChannels: 0, MaxOpensPerSecond: 0, ReceiveBytesPerSecond: 0, SendBytesPerSecond: 0 } && options.ClientCertificate is null)
        {
            errors.Add($"{key}: limits nothing and matches every certificate, so rules after it would never apply. Set a limit or ClientCertificate.");
        }
    }

    public MtaTlsIdentityLimitOptions Options { get; }

    public string Name { get; }

    /// <summary>Reads all rules. Each error that is added begins with its configuration key.</summary>
    public static IdentityRule[] ReadAll(IEnumerable<MtaTlsIdentityLimitOptions> options, List<string> errors)
    {
        List<IdentityRule> rules = [];
        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        foreach (MtaTlsIdentityLimitOptions rule in options)
        {
            string index = rules.Count.ToString(CultureInfo.InvariantCulture);
            string key = rule.ConfigurationKey ?? $"{Section}:{index}";
            IdentityRule read = new(rule, key, index, errors);
            if (!names.Add(read.Name))
            {
                errors.Add($"{key}:Name: '{read.Name}' is the name of an earlier rule.");
            }

            rules.Add(read);
        }

        return [.. rules];
    }

    public bool Matches(X509Certificate2 certificate) => _certificate is null || _certificate.Matches(certificate);

    /// <summary>Returns the key that all clients that share the limits have in common.</summary>
    public string KeyOf(X509Certificate2 certificate) => Options.Per switch
    {
        MtaTlsIdentityScope.Rule => "",
        MtaTlsIdentityScope.Subject => Convert.ToHexStringLower(SHA256.HashData([.. certificate.IssuerName.RawData, .. certificate.SubjectName.RawData])),
        _ => certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant(),
    };
}
