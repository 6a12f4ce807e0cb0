using MtaTls.Configuration;

namespace MtaTls.Dashboard;

/// <summary>Options of the live page: the section <c>MtaTlsDashboard</c>, then the callback of <c>AddMtaTlsDashboard</c>, which overrides the section.</summary>
public sealed class MtaTlsDashboardOptions
{
    /// <summary>The name of the configuration section: <c>MtaTlsDashboard</c>.</summary>
    public const string SectionName = "MtaTlsDashboard";

    /// <summary>
    /// The authorization policy for actions: to end sessions and tunnels, close channels, drain and end agents, and send requests again. The policy of the page itself applies too.
    /// </summary>
    /// <value>The policy's name. Default: null, there are no actions and the page has no buttons for them.</value>
    public string? ActionsPolicy { get; set; }

    /// <summary>The most viewers (browsers) at a time. Further ones are answered 503.</summary>
    /// <value>Default: 20. Range: 1 to 1,000.</value>
    public int MaxViewers { get; set; } = 20;

    /// <summary>How long a browser's event stream lasts. The page then connects again, and its authorization is checked again.</summary>
    /// <value>Default: 5 minutes. Range: 1 second to 1 day.</value>
    public TimeSpan StreamLifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The most log events that are kept. A further event replaces the oldest one.</summary>
    /// <value>Default: 500. Range: 1 to 100,000.</value>
    public int MaxEvents { get; set; } = 500;

    /// <summary>The inspector, which keeps the last HTTP requests of endpoints with <c>WithMtaTlsInspector()</c>.</summary>
    public MtaTlsDashboardInspectorOptions Inspector { get; } = new();

    internal ErrorList ConfigurationErrors { get; } = new();
}
