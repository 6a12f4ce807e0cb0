namespace MtaTls.ReverseProxy.Agents;

/// <summary>Settings for agents, apps that open no port and are served through this gateway: <c>MtaTls:Agents</c>.</summary>
public sealed class MtaTlsAgentsOptions
{
    /// <summary>The names that agents may take. A name that no rule allows is refused.</summary>
    /// <value>Default: empty, no agent may take a name.</value>
    public IList<MtaTlsAgentRuleOptions> Rules { get; } = [];

    /// <summary>How long a request waits while no agent has its name, for example during a restart. Then it is answered 503 with Retry-After.</summary>
    /// <value>Default: 10 seconds. Range: zero to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan WaitForAgent { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>The most requests that may wait for one name. Further requests are answered 503 at once.</summary>
    /// <value>Default: 1,000. Range: 0 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxWaiting { get; set => field = Ranges.Check(value, 0, 1_000_000); } = 1_000;

    /// <summary>How often the gateway pings each agent. If an agent does not answer within 10 seconds, its session ends.</summary>
    /// <value>Default: 15 seconds. Range: 1 second to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Heartbeat { get; set => field = Ranges.Check(value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(15);

    /// <summary>The most registrations at a time. Further registrations are answered 503.</summary>
    /// <value>Default: 10,000. Range: 1 to 10,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxAgents { get; set => field = Ranges.Check(value, 1, 10_000_000); } = 10_000;

    /// <summary>The most names that one registration may ask for.</summary>
    /// <value>Default: 64. Range: 1 to 10,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxNamesPerAgent { get; set => field = Ranges.Check(value, 1, 10_000); } = 64;

    /// <summary>The most open channels to one registration at a time. Further requests go to another agent, or wait.</summary>
    /// <value>Default: 1,000. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxChannelsPerAgent { get; set => field = Ranges.Check(value, 1, 1_000_000); } = 1_000;

    /// <summary>How long an agent may take to answer when the gateway opens a channel. Then another agent is tried.</summary>
    /// <value>Default: 5 seconds. Range: more than zero, at most 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan OpenTimeout { get; set => field = Ranges.Positive(value, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(5);

    /// <summary>How long agents have to register with other gateways when this gateway stops. The host's ShutdownTimeout limits it too.</summary>
    /// <value>Default: 10 seconds. Range: zero to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan DrainTimeout { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>The gateways that agents are told to use when this one stops, <c>https://gw2.example:8443</c> for example.</summary>
    /// <value>Default: empty, agents use the gateways that they know.</value>
    public IList<string> Alternates { get; } = [];

    /// <summary>This gateway's name, which it tells its agents. With several gateways, set <see cref="Cluster.MtaTlsClusterOptions.Node"/> instead.</summary>
    /// <value>Default: null, <see cref="Cluster.MtaTlsClusterOptions.Node"/>, else the machine's name.</value>
    public string? Node { get; set; }
}
