using Microsoft.AspNetCore.Http;
using MtaTls.Agents;
using Yarp.ReverseProxy.Configuration;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Finds the public URLs of an agent's names: from a pattern of <c>MapMtaTlsAgentForwarder</c>, or from a YARP route whose cluster has the name's agents as a destination.</summary>
internal sealed class AgentPublicUrls(IEnumerable<IProxyConfigProvider> configurations)
{
    private const string Placeholder = "{name}";

    private readonly List<(string HostPattern, string AgentName)> _patterns = [];

    /// <summary>Adds a forwarder's pattern. Called while the application is built.</summary>
    public void Add(string hostPattern, string agentName) => _patterns.Add((hostPattern, agentName));

    /// <summary>The public URLs of names. Their port is the one at which the agent has reached the gateway.</summary>
    public Dictionary<string, string>? Of(IEnumerable<AgentName> names, HostString gateway)
    {
        Dictionary<string, string>? urls = null;
        foreach (AgentName name in names)
        {
            if ((ByPattern(name) ?? ByRoute(name)) is { } host)
            {
                string port = gateway.Port is { } value and not 443 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $":{value}") : "";
                (urls ??= [])[name.ToString()] = $"https://{host}{port}/";
            }
        }

        return urls;
    }

    private string? ByPattern(AgentName name)
    {
        foreach ((string host, string agent) in _patterns)
        {
            // A pattern with a port is compared with name and port.
            string text = agent.Contains(':', StringComparison.Ordinal) ? $"{name.Host}:{name.Port}" : name.ToString();
            string[] parts = agent.Split(Placeholder, 2);
            if (text.Length > parts[0].Length + parts[1].Length
                && text.StartsWith(parts[0], StringComparison.OrdinalIgnoreCase) && text.EndsWith(parts[1], StringComparison.OrdinalIgnoreCase)
                && text[parts[0].Length..^parts[1].Length] is var label && !label.Contains(':', StringComparison.Ordinal))
            {
                return host.Replace(Placeholder, label, StringComparison.Ordinal);
            }
        }

        return null;
    }

    private string? ByRoute(AgentName name)
    {
        foreach (IProxyConfig configuration in configurations.Select(static c => c.GetConfig()))
        {
            var clusters = configuration.Clusters
                .Where(c => c.Destinations?.Values.Any(d => d.Metadata?.TryGetValue(MtaTlsMetadata.Agent, out string? text) == true && AgentProtocol.TryParseName(text, out AgentName own) && own == name) == true)
                .Select(static c => c.ClusterId)
                .ToHashSet(StringComparer.OrdinalIgnoreCase);
            string? host = configuration.Routes
                .Where(r => r.ClusterId is not null && clusters.Contains(r.ClusterId))
                .SelectMany(static r => r.Match.Hosts ?? [])
                .FirstOrDefault(static h => !h.Contains('*', StringComparison.Ordinal));
            if (host is not null)
            {
                return host.Split(':')[0];
            }
        }

        return null;
    }
}
