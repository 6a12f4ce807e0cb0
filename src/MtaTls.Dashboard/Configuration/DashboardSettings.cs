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
            nameof(MtaTlsDashboardInspectorOptions.Enabled), "Whether requests are recorded. All users of the page then see their URLs, headers and bodies.",
            o => o.Enabled, (o, v) => o.Enabled = v),
        I.Integer(
            nameof(MtaTlsDashboardInspectorOptions.MaxRequests), "The most requests that are kept. A further request replaces the oldest one.",
            o => o.MaxRequests, (o, v) => o.MaxRequests = v, 1, 10_000, "requests"),
        I.Integer(
            nameof(MtaTlsDashboardInspectorOptions.MaxBodyLength), "The most bytes of a body that are kept. Further bytes are only counted.", o => o.MaxBodyLength, (o, v) => o.MaxBodyLength = v, 0, 1_048_576, "bytes"),
        I.List(
            nameof(MtaTlsDashboardInspectorOptions.BlankedHeaders), "More headers whose values are never kept. Authorization, Proxy-Authorization, Cookie and Set-Cookie are always blanked.", o => o.BlankedHeaders),
    ]);

    public static SettingTable<MtaTlsDashboardOptions> Table { get; } = new(
    [
        S.Text(
            nameof(MtaTlsDashboardOptions.ActionsPolicy), "The authorization policy for actions: to end sessions, close channels, drain agents and send requests again. The page's own policy applies too.",
            o => o.ActionsPolicy, (o, v) => o.ActionsPolicy = v, defaultText: "no actions"),
        S.Integer(nameof(MtaTlsDashboardOptions.MaxViewers), "The most viewers (browsers) at a time. Further ones are answered 503.", o => o.MaxViewers, (o, v) => o.MaxViewers = v, 1, 1_000, "viewers"),
        S.Duration(
            nameof(MtaTlsDashboardOptions.StreamLifetime), "How long a browser's event stream lasts. The page then connects again, and its authorization is checked again.",
            o => o.StreamLifetime, (o, v) => o.StreamLifetime = v, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
        S.Integer(nameof(MtaTlsDashboardOptions.MaxEvents), "The most log events that are kept.", o => o.MaxEvents, (o, v) => o.MaxEvents = v, 1, 100_000, "events"),
        S.Section(
            nameof(MtaTlsDashboardOptions.Inspector), "The inspector, which keeps the last HTTP requests of endpoints with WithMtaTlsInspector().", o => o.Inspector, Inspector),
    ]);
}
