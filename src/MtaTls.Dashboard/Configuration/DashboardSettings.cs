using MtaTls.Configuration;
using I = MtaTls.Configuration.Settings<MtaTls.Dashboard.MtaTlsDashboardInspectorOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.Dashboard.MtaTlsDashboardOptions>;

namespace MtaTls.Dashboard.Configuration;

/// <summary>The settings of the section <c>MtaTlsDashboard</c>.</summary>
internal static class DashboardSettings
{
    public static SettingTable<MtaTlsDashboardInspectorOptions> Inspector { get; } = new(
    [
        I.Boolean(
            nameof(MtaTlsDashboardInspectorOptions.Enabled), "Whether requests are recorded. Everybody who may see the page then sees their paths, headers and bodies.",
            o => o.Enabled, (o, v) => o.Enabled = v),
        I.Integer(
            nameof(MtaTlsDashboardInspectorOptions.MaxRequests), "Requests that are kept; a further one takes the oldest one's place.",
            o => o.MaxRequests, (o, v) => o.MaxRequests = v, 1, 10_000, "requests"),
        I.Integer(
            nameof(MtaTlsDashboardInspectorOptions.MaxBodyLength), "Bytes of a body that are kept; the rest is counted alone.", o => o.MaxBodyLength, (o, v) => o.MaxBodyLength = v, 0, 1_048_576, "bytes"),
        I.List(
            nameof(MtaTlsDashboardInspectorOptions.BlankedHeaders), "Headers whose values are never kept, beside Authorization, Proxy-Authorization, Cookie and Set-Cookie.", o => o.BlankedHeaders),
    ]);

    public static SettingTable<MtaTlsDashboardOptions> Table { get; } = new(
    [
        S.Text(
            nameof(MtaTlsDashboardOptions.ActionsPolicy), "The authorization policy of those who may end sessions, close channels, drain agents and send requests again, beside the page's own.",
            o => o.ActionsPolicy, (o, v) => o.ActionsPolicy = v, defaultText: "nobody may"),
        S.Integer(nameof(MtaTlsDashboardOptions.MaxViewers), "Browsers that may watch at a time. Further ones are answered 503.", o => o.MaxViewers, (o, v) => o.MaxViewers = v, 1, 1_000, "viewers"),
        S.Duration(
            nameof(MtaTlsDashboardOptions.StreamLifetime), "After how long a viewer's stream ends. The page connects again by itself, and its authorization is checked anew.",
            o => o.StreamLifetime, (o, v) => o.StreamLifetime = v, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
        S.Integer(nameof(MtaTlsDashboardOptions.MaxEvents), "Log events that are kept.", o => o.MaxEvents, (o, v) => o.MaxEvents = v, 1, 100_000, "events"),
        S.Section(
            nameof(MtaTlsDashboardOptions.Inspector), "The ring of HTTP requests, for endpoints that WithMtaTlsInspector() marks.", o => o.Inspector, Inspector),
    ]);
}
