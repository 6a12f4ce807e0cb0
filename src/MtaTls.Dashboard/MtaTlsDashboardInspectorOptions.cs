namespace MtaTls.Dashboard;

/// <summary>Options of the inspector: the section <c>MtaTlsDashboard:Inspector</c>.</summary>
public sealed class MtaTlsDashboardInspectorOptions
{
    /// <summary>Whether requests are recorded. Everybody who may see the page then sees their paths, headers and bodies.</summary>
    /// <value>Default: false.</value>
    public bool Enabled { get; set; }

    /// <summary>Requests that are kept; a further one takes the oldest one's place.</summary>
    /// <value>1 to 10,000. Default: 200.</value>
    public int MaxRequests { get; set; } = 200;

    /// <summary>Bytes of a body that are kept; the rest is counted alone.</summary>
    /// <value>0 to 1,048,576. Default: 10,240.</value>
    public int MaxBodyLength { get; set; } = 10 * 1024;

    /// <summary>
    /// Headers whose values are never kept, beside <c>Authorization</c>, <c>Proxy-Authorization</c>, <c>Cookie</c> and <c>Set-Cookie</c>.
    /// </summary>
    /// <value>Names, in any case. Default: empty.</value>
    public IList<string> BlankedHeaders { get; } = [];
}
