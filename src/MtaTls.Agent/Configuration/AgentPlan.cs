using MtaTls.Agents;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Agent.Configuration;

/// <summary>The parsed options.</summary>
internal sealed class AgentPlan
{
    public required MtaTlsAgentOptions Options { get; init; }

    public required string Agent { get; init; }

    public required IReadOnlyList<Uri> Gateways { get; init; }

    /// <summary>The names under which the app is served.</summary>
    public required IReadOnlySet<AgentName> Names { get; init; }

    /// <summary>The upstream of each forwarded name.</summary>
    public required IReadOnlyDictionary<AgentName, ChannelAddress> Forward { get; init; }

    public CertificateSource? Certificate { get; init; }

    public AuthoritySource? Authorities { get; init; }

    /// <summary>All names to register.</summary>
    public IReadOnlyList<string> RegisteredNames => [.. Names.Concat(Forward.Keys).Select(static n => n.ToString())];
}
