using MtaTls.AspNetCore.Configuration;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Parsed <see cref="MtaTlsAgentsOptions"/>.</summary>
internal sealed class AgentRules
{
    public AgentRules(MtaTlsAgentsOptions options, List<string> errors)
    {
        const string Key = $"{MtaTlsSettings.SectionName}:Agents";
        Options = options;
        Rules = [.. options.Rules.Select((rule, i) => new AgentRule(rule, $"{Key}:Rules:{i}", errors))];
        for (int i = 0; i < options.Alternates.Count; i++)
        {
            if (!Uri.TryCreate(options.Alternates[i], UriKind.Absolute, out Uri? uri) || uri.Scheme != Uri.UriSchemeHttps || uri.PathAndQuery != "/")
            {
                errors.Add($"{Key}:Alternates:{i}: '{options.Alternates[i]}' is not https://host or https://host:port.");
            }
        }
    }

    public MtaTlsAgentsOptions Options { get; }

    public IReadOnlyList<AgentRule> Rules { get; }
}
