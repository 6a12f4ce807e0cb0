using MtaTls.AspNetCore;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// One entry of <c>MtaTls:Agents:Rules</c>: the names that an agent may take. Every condition that is set must hold. A rule needs <see cref="ClientCertificate"/>, <see cref="Policy"/> or
/// <see cref="AllowAnonymous"/>.
/// </summary>
public sealed class MtaTlsAgentRuleOptions
{
    /// <summary>The names: <c>plant7.internal</c>, or <c>*.plant7.internal</c> for every name below it. A name with a port is for that port only; a name without one is for every port.</summary>
    /// <value>At least one is required.</value>
    public IList<string> Names { get; } = [];

    /// <summary>The condition that the agent's client certificate must meet.</summary>
    /// <value>Default: null, no condition.</value>
    public ClientCertificateConditionOptions? ClientCertificate { get; set; }

    /// <summary>An authorization policy of ASP.NET Core that the registration's user must satisfy. Its resource is the name, a string.</summary>
    /// <value>Default: null, no condition.</value>
    public string? Policy { get; set; }

    /// <summary>Whether the rule may have no condition. Every agent that may register at all may then take its names.</summary>
    /// <value>Default: false.</value>
    public bool AllowAnonymous { get; set; }

    /// <summary>The most registrations that one name of the rule may have at a time. An agent has one registration for each session.</summary>
    /// <value>Default: 100. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxAgents { get; set => field = Ranges.Check(value, 1, 1_000_000); } = 100;
}
