using MtaTls.AspNetCore;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// One entry of <c>MtaTls:Agents:Rules</c>: which names an agent may take. Each condition that is set must hold. At least one of <see cref="ClientCertificate"/> and <see cref="Policy"/> is needed, or
/// <see cref="AllowAnonymous"/>.
/// </summary>
public sealed class MtaTlsAgentRuleOptions
{
    /// <summary>The names: <c>plant7.internal</c>, or <c>*.plant7.internal</c> for every name below it. With a port the rule is for that port alone; without, for every port.</summary>
    /// <value>At least one is needed.</value>
    public IList<string> Names { get; } = [];

    /// <summary>What the agent's certificate must be.</summary>
    /// <value>Default: null, no condition.</value>
    public ClientCertificateConditionOptions? ClientCertificate { get; set; }

    /// <summary>An authorization policy of ASP.NET Core that the registration's user must satisfy. Its resource is the name, a string.</summary>
    /// <value>Default: null, no condition.</value>
    public string? Policy { get; set; }

    /// <summary>Whether the rule may have no condition: every agent that may register at all may take its names.</summary>
    /// <value>Default: false.</value>
    public bool AllowAnonymous { get; set; }

    /// <summary>The most registrations that one name of the rule may have at a time. An agent has one for each session.</summary>
    /// <value>Default: 100. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxAgents
    {
        get;
        set => field = value is >= 1 and <= 1_000_000 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "MaxAgents must be from 1 to 1,000,000.");
    }
    = 100;
}
