namespace MtaTls.ReverseProxy.Agents;

/// <summary>Agents that may register with this gateway: <c>MtaTls:Agents</c>. Apps that open no port are served through it.</summary>
public sealed class MtaTlsAgentsOptions
{
    /// <summary>Who may take which names. A name that no rule allows is refused.</summary>
    /// <value>Default: empty, no agent may take a name.</value>
    public IList<MtaTlsAgentRuleOptions> Rules { get; } = [];

    /// <summary>How long a request waits when no agent has its name, one that restarts for example. After that it is answered 503 with Retry-After.</summary>
    /// <value>Default: 10 seconds. Range: zero to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan WaitForAgent { get; set => field = Range(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>The most requests that wait for one name. Further ones are answered 503 at once.</summary>
    /// <value>Default: 1,000. Range: 0 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxWaiting { get; set => field = Range(value, 0, 1_000_000); } = 1_000;

    /// <summary>How often each agent is asked whether it is still there. Without an answer within 10 seconds its session ends.</summary>
    /// <value>Default: 15 seconds. Range: 1 second to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Heartbeat { get; set => field = Range(value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(15);

    /// <summary>The most registrations at a time.</summary>
    /// <value>Default: 10,000. Range: 1 to 10,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxAgents { get; set => field = Range(value, 1, 10_000_000); } = 10_000;

    /// <summary>The most names that one registration may ask for.</summary>
    /// <value>Default: 64. Range: 1 to 10,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxNamesPerAgent { get; set => field = Range(value, 1, 10_000); } = 64;

    /// <summary>The most channels that are open to one registration at a time. Further requests go to another agent, or wait.</summary>
    /// <value>Default: 1,000. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxChannelsPerAgent { get; set => field = Range(value, 1, 1_000_000); } = 1_000;

    /// <summary>How long an agent may take to answer an open before another agent is tried.</summary>
    /// <value>Default: 5 seconds. Range: more than zero, at most 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan OpenTimeout { get; set => field = Range(value, TimeSpan.FromTicks(1), TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(5);

    /// <summary>How long agents have to register elsewhere when this gateway stops. The host's ShutdownTimeout bounds it too.</summary>
    /// <value>Default: 10 seconds. Range: zero to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan DrainTimeout { get; set => field = Range(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>Other gateways, <c>https://gw2.example:8443</c>, that agents are sent to when this one stops.</summary>
    /// <value>Default: empty, agents use the gateways that they know.</value>
    public IList<string> Alternates { get; } = [];

    /// <summary>This gateway's name, which agents see.</summary>
    /// <value>Default: null, the machine's name.</value>
    public string? Node { get; set; }

    private static T Range<T>(T value, T least, T most)
        where T : IComparable<T>
        => value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, $"The value must be from {least} to {most}.");
}
