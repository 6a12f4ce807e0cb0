using MtaTls.Agents;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Agent.Configuration;

/// <summary>The options as they were understood.</summary>
internal sealed class AgentPlan
{
    public required MtaTlsAgentOptions Options { get; init; }

    public required string Agent { get; init; }

    public required IReadOnlyList<Uri> Gateways { get; init; }

    /// <summary>The names that the app is served under.</summary>
    public required IReadOnlySet<AgentName> Names { get; init; }

    /// <summary>The upstream of each name that is forwarded.</summary>
    public required IReadOnlyDictionary<AgentName, ChannelAddress> Forward { get; init; }

    public CertificateSource? Certificate { get; init; }

    public AuthoritySource? Authorities { get; init; }

    /// <summary>All names, as they are registered.</summary>
    public IReadOnlyList<string> RegisteredNames => [.. Names.Concat(Forward.Keys).Select(static n => n.ToString())];
}
