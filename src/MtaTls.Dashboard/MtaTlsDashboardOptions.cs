using MtaTls.Configuration;

namespace MtaTls.Dashboard;

/// <summary>Options of the live page: the section <c>MtaTlsDashboard</c>, or the callback of <c>AddMtaTlsDashboard</c>, which goes before it.</summary>
public sealed class MtaTlsDashboardOptions
{
    /// <summary>The configuration section.</summary>
    public const string SectionName = "MtaTlsDashboard";

    /// <summary>
    /// The authorization policy of those who may act: end sessions, close channels, drain and end agents, send requests again. It counts beside the policy of the page itself.
    /// </summary>
    /// <value>The policy's name. Default: null; then nobody may, and the page has no buttons.</value>
    public string? ActionsPolicy { get; set; }

    /// <summary>Browsers that may watch at a time. Further ones are answered 503.</summary>
    /// <value>1 to 1,000. Default: 20.</value>
    public int MaxViewers { get; set; } = 20;

    /// <summary>After how long a viewer's stream ends. The page connects again by itself, and its authorization is checked anew.</summary>
    /// <value>1 second to 1 day. Default: 5 minutes.</value>
    public TimeSpan StreamLifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Log events that are kept.</summary>
    /// <value>1 to 100,000. Default: 500.</value>
    public int MaxEvents { get; set; } = 500;

    /// <summary>The ring of HTTP requests, for endpoints that <c>WithMtaTlsInspector()</c> marks.</summary>
    public MtaTlsDashboardInspectorOptions Inspector { get; } = new();

    internal ErrorList ConfigurationErrors { get; } = new();
}
