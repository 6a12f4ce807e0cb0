using System.Security.Cryptography.X509Certificates;
using MtaTls.Agents;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>A parsed <see cref="MtaTlsAgentRuleOptions"/>.</summary>
internal sealed class AgentRule
{
    private readonly List<(string Host, bool IsWildcard, int? Port)> _names = [];
    private readonly ClientCertificateCondition? _certificate;

    public AgentRule(MtaTlsAgentRuleOptions options, string key, List<string> errors)
    {
        Policy = string.IsNullOrEmpty(options.Policy) ? null : options.Policy;
        MaxAgents = options.MaxAgents;
        for (int i = 0; i < options.Names.Count; i++)
        {
            string? text = options.Names[i];
            bool isWildcard = text?.StartsWith("*.", StringComparison.Ordinal) == true;
            if (AgentProtocol.TryParseName(isWildcard ? text![2..] : text, out AgentName name))
            {
                _names.Add((name.Host, isWildcard, text!.Contains(':', StringComparison.Ordinal) ? name.Port : null));
            }
            else
            {
                errors.Add($"{key}:Names:{i}: '{text}' is not a valid name, such as plant7.internal, *.plant7.internal or ssh.plant7.internal:22.");
            }
        }

        if (options.Names.Count == 0)
        {
            errors.Add($"{key}:Names: at least one entry is required.");
        }

        if (options.ClientCertificate is { } certificate)
        {
            _certificate = new ClientCertificateCondition(certificate, $"{key}:ClientCertificate", errors);
        }
        else if (Policy is null && !options.AllowAnonymous)
        {
            errors.Add($"{key}: ClientCertificate or Policy is required. AllowAnonymous: true lets every agent that may register take the names.");
        }
    }

    /// <summary>The authorization policy; null: none.</summary>
    public string? Policy { get; }

    public int MaxAgents { get; }

    /// <summary>Whether the rule is for the name, and its certificate condition holds. The caller must still evaluate <see cref="Policy"/>.</summary>
    public bool Matches(in AgentName name, X509Certificate2? certificate) => IsFor(name) && (_certificate is null || _certificate.Matches(certificate));

    private bool IsFor(in AgentName name)
    {
        foreach ((string host, bool isWildcard, int? port) in _names)
        {
            bool matches = isWildcard
                ? name.Host.Length > host.Length + 1 && name.Host.EndsWith(host, StringComparison.Ordinal) && name.Host[^(host.Length + 1)] == '.'
                : name.Host == host;
            if (matches && (port is null || port == name.Port))
            {
                return true;
            }
        }

        return false;
    }
}
