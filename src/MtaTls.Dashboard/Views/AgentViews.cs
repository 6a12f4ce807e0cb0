using MtaTls.Dashboard.Sampling;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.Dashboard.Views;

/// <summary>The view of a gateway's agents.</summary>
internal static class AgentViews
{
    public static AgentsView Agents(IMtaTlsAgents? agents, MeterReader meters, ViewQuery query)
    {
        IReadOnlyList<MtaTlsAgentInfo> all = agents?.List() ?? [];
        MtaTlsAgentInfo[] rows = [.. all.Where(a => query.Filter is not { } text || Matches(a, text))];
        IOrderedEnumerable<MtaTlsAgentInfo> sorted = query.Sort switch
        {
            "active" => By(rows, static a => a.ActiveChannels),
            "total" => By(rows, static a => a.TotalChannels),
            "since" => By(rows, static a => a.Since),
            "node" => By(rows, static a => a.Node),
            "state" => By(rows, State),
            _ => By(rows, static a => a.Agent),
        };
        rows = [.. sorted.ThenBy(static a => a.Id, StringComparer.Ordinal)];
        List<AgentRow> page = [];
        foreach (MtaTlsAgentInfo row in Paging.Take<MtaTlsAgentInfo>(rows, query))
        {
            page.Add(new AgentRow(
                row.Id, PeerText.Of(row.Agent), PeerText.Of(row.Identity), row.SessionId, [.. row.Names.Select(PeerText.Of)], row.Weight, row.Since, row.ActiveChannels, row.TotalChannels, State(row), row.Node));
        }

        return new AgentsView(
            agents is not null, all.Count, rows.Length, Paging.Page(query, rows.Length), Paging.Pages(rows.Length, query.Size), page, meters.List(MeterReader.AgentUnserved),
            [.. meters.List(MeterReader.AgentOpens).Where(static c => c.Name.Length > 0)], meters.Sum(MeterReader.AgentRetried));

        IOrderedEnumerable<MtaTlsAgentInfo> By<TKey>(MtaTlsAgentInfo[] of, Func<MtaTlsAgentInfo, TKey> key) => query.Descending ? of.OrderByDescending(key) : of.OrderBy(key);
    }

    private static string State(MtaTlsAgentInfo agent) => agent.IsDraining ? "Draining" : agent.IsResponding ? "Serving" : "Silent";

    private static bool Matches(MtaTlsAgentInfo agent, string text)
        => Has(agent.Agent, text) || Has(agent.Identity, text) || Has(agent.Node, text) || Has(agent.SessionId, text) || agent.Names.Any(n => Has(n, text));

    private static bool Has(string value, string text) => value.Contains(text, StringComparison.OrdinalIgnoreCase);
}
