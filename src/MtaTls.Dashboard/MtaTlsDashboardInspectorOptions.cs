namespace MtaTls.Dashboard;

/// <summary>Options of the inspector, which records HTTP requests: the section <c>MtaTlsDashboard:Inspector</c>.</summary>
public sealed class MtaTlsDashboardInspectorOptions
{
    /// <summary>Whether requests are recorded. All users of the page then see their URLs, headers and bodies.</summary>
    /// <value>Default: false.</value>
    public bool Enabled { get; set; }

    /// <summary>The most requests that are kept. A further request replaces the oldest one.</summary>
    /// <value>Default: 200. Range: 1 to 10,000.</value>
    public int MaxRequests { get; set; } = 200;

    /// <summary>The most bytes of a body that are kept. Further bytes are only counted.</summary>
    /// <value>In bytes. Default: 10,240. Range: 0 to 1,048,576.</value>
    public int MaxBodyLength { get; set; } = 10 * 1024;

    /// <summary>
    /// More headers whose values are never kept. <c>Authorization</c>, <c>Proxy-Authorization</c>, <c>Cookie</c> and <c>Set-Cookie</c> are always blanked.
    /// </summary>
    /// <value>Header names, in any case. Default: empty.</value>
    public IList<string> BlankedHeaders { get; } = [];
}
